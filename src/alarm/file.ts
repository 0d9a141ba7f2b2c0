/** Alarms as JSON lines in a file that is rotated by size: `alarms.jsonl`, then `alarms.jsonl.1`, the newest of the old. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { type Alarm, alarmLine } from './alarm.ts';
import type { AlarmTransport } from './outlet.ts';

export interface AlarmFileOptions {
  readonly path: string;
  /** A file is rotated before it would be larger. */
  readonly bytesMax: number;
  /** Old files kept. */
  readonly keep: number;
}

const LINE_BYTES_MAX = 1024 * 1024;

export function fileTransport({ path, bytesMax, keep }: AlarmFileOptions): AlarmTransport {
  let file: FileHandle | undefined;
  let size = 0;
  const rotate = async (): Promise<void> => {
    await file?.close();
    file = undefined;
    await rm(`${path}.${keep}`, { force: true });
    for (let age = keep - 1; age >= 0; age--) {
      const from = age === 0 ? path : `${path}.${age}`;
      if (keep > 0) await rename(from, `${path}.${age + 1}`).catch(ignoreMissing);
    }
    if (keep === 0) await rm(path, { force: true });
  };
  return {
    name: `file://${path}`,
    async send(alarm: Alarm): Promise<void> {
      const line = Buffer.from(`${alarmLine(alarm, LINE_BYTES_MAX)}\n`);
      if (file === undefined) {
        file = await open(path, 'a', 0o640);
        ({ size } = await file.stat());
      }
      if (size > 0 && size + line.length > bytesMax) {
        await rotate();
        file = await open(path, 'a', 0o640);
        size = 0;
      }
      // Unlike write(), all of it.
      await file.appendFile(line);
      size += line.length;
    },
    close(): void {
      void file?.close().catch(() => undefined);
      file = undefined;
    },
  };
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
