import type { FileModel } from "./ConfigFile.js"
import type { ModelSettings } from "./Settings.js"

/** The models of the config file. */
export const fromFile = (models: ReadonlyArray<FileModel>): ReadonlyArray<ModelSettings> =>
  models.map(({ targets = [], ...model }) => ({
    ...model,
    targets: targets.map((target) => ({ catch: undefined, ...target }))
  }))
