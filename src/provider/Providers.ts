import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { InstanceSettings } from "../config/Settings.js"
import * as Provider from "./Provider.js"
import { Simulator } from "./Simulator.js"
import { Transport } from "./Transport.js"

/** The provider behind each instance. */
export class Providers extends Context.Tag("orelse/Providers")<
  Providers,
  { readonly of: (instance: InstanceSettings) => Provider.Provider }
>() {
  static readonly layer: Layer.Layer<Providers, never, Transport | Simulator> = Layer.effect(
    Providers,
    Effect.gen(function* () {
      const transport = yield* Transport
      const simulator = yield* Simulator
      // Settings are immutable: a changed instance is a new object and gets a new provider.
      const made = new WeakMap<InstanceSettings, Provider.Provider>()
      return {
        of: (instance) => {
          const known = made.get(instance)
          if (known !== undefined) return known
          const provider = Provider.make(
            instance,
            instance.provider === "simulated" ? simulator.transport(instance) : transport
          )
          made.set(instance, provider)
          return provider
        }
      }
    })
  )
}
