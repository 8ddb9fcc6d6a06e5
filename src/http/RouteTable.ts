import * as HttpApi from "@effect/platform/HttpApi"
import { Api } from "./Api.js"

/** The methods that a path is served with; none where there is no such route. */
export const methodsOf = (path: string): ReadonlyArray<string> =>
  routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)

interface Route {
  readonly method: string
  readonly pattern: RegExp
}

const toPattern = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replace(/[.]/g, "\\.")
      .replace(/:[^/]+/g, "[^/]+")
      .replace(/\*/g, ".+")}$`
  )

const declared = (): ReadonlyArray<Route> => {
  const found: Array<Route> = []
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => found.push({ method: endpoint.method, pattern: toPattern(endpoint.path) })
  })
  return found
}

const routes: ReadonlyArray<Route> = [
  ...declared(),
  { method: "GET", pattern: toPattern("/openapi.json") },
  { method: "GET", pattern: toPattern("/docs") }
]
