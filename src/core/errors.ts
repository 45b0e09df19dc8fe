// Errors that a user can act on. The command line turns `exitCode` into the process's exit code.

/** Bad input or configuration: the message names the thing, what it is, what it must be, and where. */
export class InputError extends Error {
  override name = 'InputError'
  readonly exitCode = 2
}

/** The device went away; what was saved is intact and the same command goes on from there. */
export class DeviceLost extends Error {
  override name = 'DeviceLost'
  readonly exitCode = 75
}

/** `swiglu on webgpu`: this backend has no kernel for that call. */
export class UnsupportedOp extends Error {
  override name = 'UnsupportedOp'
  readonly exitCode = 2
}
