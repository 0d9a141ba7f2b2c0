/** Where a workload program finds its server: passed in the environment, so that no secret is in the argument list. */

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** How much of its work a program repeats. */
  readonly count: number;
  /** Take TLS where the server offers it, else go on without. */
  readonly tls: boolean;
}

/** Role or user name to password; the servers of the lab are set up with the same. */
export const PASSWORDS = {
  alice: 'wonderland',
  bob: 'builder',
  carol: 'through-the-glass',
  dave: 'in-the-clear',
} as const;

export const TARGET_VARIABLE = 'LAB_TARGET';

function readTarget(): Target {
  return JSON.parse(process.env[TARGET_VARIABLE] ?? '') as Target;
}

/** Resolves when `work` failed, as it must; rejects when it succeeded. */
export async function mustFail(work: Promise<unknown>): Promise<void> {
  const failed = await work.then(
    () => false,
    () => true,
  );
  if (!failed) throw new Error('a statement that must fail succeeded');
}

/** Runs the program that the first argument names. */
export async function runNamed(programs: Readonly<Record<string, (target: Target) => Promise<void>>>): Promise<void> {
  const name = process.argv[2] ?? '';
  const program = programs[name];
  if (program === undefined) throw new Error(`no workload is called ${name}`);
  await program(readTarget());
}

/** Tries `connect` with TLS when the target prefers it, and in the clear when the server has none (as `refused` tells). */
export async function preferTls<C>(target: Target, refused: RegExp, connect: (tls: boolean) => Promise<C>): Promise<C> {
  if (!target.tls) return await connect(false);
  try {
    return await connect(true);
  } catch (error) {
    if (!refused.test(String(error))) throw error;
    return await connect(false);
  }
}
