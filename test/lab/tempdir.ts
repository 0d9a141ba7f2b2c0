/** Working directories of the lab, named by process so that a later run can remove what a crashed one left. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'wiretrail-lab-';

/** Removed when this process exits. */
const made: string[] = [];

/** A new directory that every user may enter (the servers run as their own), removed when the process exits. */
export function makeLabDirectory(): string {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^wiretrail-lab-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
  const directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  chmodSync(directory, 0o755);
  if (made.push(directory) === 1) process.once('exit', removeMade);
  return directory;
}

function removeMade(): void {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
}
