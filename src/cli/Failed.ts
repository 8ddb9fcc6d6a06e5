import * as Schema from "effect/Schema"

/** A subcommand has done its work and the result is no; what there is to say was printed. Exit code 1. */
export class Failed extends Schema.TaggedError<Failed>()("Failed", { message: Schema.String }) {}
