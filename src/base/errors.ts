/** Errors that are for people: one line that says what is wrong and the way out. Everything else is a bug. */

/** Exit codes of the command line, as in the record contract. */
export const EXIT_DONE = 0;
export const EXIT_RULE_MATCHED = 1;
export const EXIT_USAGE = 2;
export const EXIT_LOSS = 3;

/** Wrong usage, or an input, interface, policy or store that cannot be used. Exit code 2. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
}
