/** Finds the recorded scenarios: folders `pcaps/<protocol>/<name>` that hold a capture. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Golden {
  /** `<protocol>/<name>`. */
  readonly name: string;
  readonly folder: string;
  readonly capture: string;
}

/** This file runs as `dist/test/golden/goldens.js`. */
const PCAPS_DIRECTORY: string = join(import.meta.dirname, '..', '..', '..', 'pcaps');
const CAPTURE_PATTERN = /^capture\.pcap(ng)?$/;

export function findGoldens(): Golden[] {
  const found: Golden[] = [];
  for (const protocol of directoriesIn(PCAPS_DIRECTORY)) {
    for (const scenario of directoriesIn(join(PCAPS_DIRECTORY, protocol))) {
      const folder = join(PCAPS_DIRECTORY, protocol, scenario);
      const capture = readdirSync(folder).find((file) => CAPTURE_PATTERN.test(file));
      if (capture !== undefined)
        found.push({ name: `${protocol}/${scenario}`, folder, capture: join(folder, capture) });
    }
  }
  return found;
}

function directoriesIn(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
