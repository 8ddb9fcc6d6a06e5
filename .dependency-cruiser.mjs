/** The floors of the house, lowest first. A room knows itself and the floors below; its neighbours it does not know. */
const floors = [
  ["domain"],
  ["protocol", "config"],
  ["provider", "store"],
  ["health", "ledger", "limits", "cache", "catalog", "alerts"],
  ["routing"],
  ["gateway"],
  ["http", "simulation"]
]
const rooms = floors.flat()
const below = (paths) => `^src/(${paths.join("|")})/`

const climbing = floors.flatMap((floor, level) =>
  floor.map((room) => {
    const forbidden = floors
      .slice(level)
      .flat()
      .filter((other) => other !== room)
    return {
      name: `floors: ${room}`,
      comment: `src/${room} may import from itself and from floors below: ${floors.slice(0, level).flat().join(", ") || "none"}.`,
      severity: "error",
      from: { path: below([room]) },
      to: { path: [...(forbidden.length > 0 ? [below(forbidden)] : []), below(["cli"]), "^src/(main|index)\\.ts$"] }
    }
  })
)

export default {
  forbidden: [
    ...climbing,
    {
      name: "floors: index",
      comment: "src/index.ts is the library: the command and its subcommands are above it.",
      severity: "error",
      from: { path: "^src/index\\.ts$" },
      to: { path: ["^src/cli/", "^src/main\\.ts$"] }
    },
    {
      name: "floors: the top",
      comment: "Subcommands do not know main.ts, and the command imports modules, not the barrel.",
      severity: "error",
      from: { path: "^src/(cli/|main\\.ts$)" },
      to: { path: "^src/(main|index)\\.ts$" }
    },
    {
      name: "floors: no such room",
      comment: "A new room needs a floor, here and in the plan of the house.",
      severity: "error",
      from: { path: "^src/", pathNot: [below([...rooms, "cli"]), "^src/(main|index)\\.ts$"] },
      to: {}
    },
    {
      name: "no cycles",
      comment: "Also not between types: two modules that need each other are one module, or three.",
      severity: "error",
      from: {},
      to: { circular: true }
    },
    {
      name: "domain is pure",
      comment: "The words everybody shares do no I/O and know neither a platform nor Node.",
      severity: "error",
      from: { path: below(["domain"]) },
      to: { path: ["node_modules/@effect/", "node_modules/undici/"] }
    },
    {
      name: "domain is pure: node",
      severity: "error",
      from: { path: below(["domain"]) },
      to: { dependencyTypes: ["core"] }
    },
    {
      name: "src ships alone",
      comment: "What src imports must be in the package.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench|examples|scripts)/" }
    },
    {
      name: "src ships without devDependencies",
      comment: "A package that only development has is missing at a user's.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["npm", "npm-peer"] }
    },
    {
      name: "not resolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true }
    }
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // Types that climb are imports that climb.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "node", "default"]
    }
  }
}
