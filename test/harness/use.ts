// How parts that tests and benchmarks share hand over what they start: a stage of a test or a stack of disposables ends it.

/** Takes a resource over, and gives it back. */
export type Use = <resource extends AsyncDisposable>(resource: resource) => resource
