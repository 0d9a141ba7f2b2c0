/**
 * Evidence on disk: pcapng files (draft-ietf-opsawg-pcapng) in a folder, in which every packet carries a comment with
 * its session. Files are rotated, and the oldest go when the folder is full; several threads may write, each its own
 * file. Nothing here throws on traffic: what cannot be written is counted.
 */
import { openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Counters } from '../../base/counters.ts';
import { makeFolder } from '../../base/folder.ts';
import { InputError } from '../batch.ts';
import { errorCode } from '../files/input.ts';
import { PcapngFile } from '../files/pcapng-file.ts';

const NAME = /^evidence-(\d{8,})\.pcapng$/;
/** The folder's budget is spread over this many files, so that rotation gives up little at a time. */
const FILES = 8;
const NAME_TRIES = 100;

export interface EvidenceCounters extends Counters {
  packets: number;
  /** Old files deleted to keep the folder within its budget. */
  deletedFiles: number;
  /** Packets that could not be written. */
  failures: number;
}

/** Names of the evidence files in a folder, oldest first. Throws `InputError` when it cannot be read. */
export function evidenceFiles(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => NAME.test(name));
    return names.sort((a, b) => numberOf(a) - numberOf(b)).map((name) => join(folder, name));
  } catch (error) {
    throw new InputError(`${folder}: cannot be read (${errorCode(error)})`);
  }
}

function numberOf(path: string): number {
  return Number(/(\d+)\.pcapng$/.exec(path)?.[1] ?? 0);
}

export class EvidenceFiles {
  readonly counters: EvidenceCounters = { packets: 0, deletedFiles: 0, failures: 0 };
  private readonly folder: string;
  private readonly bytesMax: number;
  private readonly fileBytesMax: number;
  private file: PcapngFile | undefined;

  /** `bytesMax`: of all files together, those of `writers` threads. Throws `InputError` when the folder cannot be made. */
  constructor(folder: string, bytesMax: number, writers: number = 1) {
    this.folder = folder;
    this.bytesMax = bytesMax;
    this.fileBytesMax = bytesMax / FILES / writers;
    try {
      makeFolder(folder, 0o750);
    } catch (error) {
      throw new InputError(`${folder}: cannot be used for evidence (${errorCode(error)})`);
    }
    evidenceFiles(folder);
  }

  /** Writes the packet that `descriptors` describes from word `d` on. */
  write(bytes: Uint8Array, descriptors: Int32Array, d: number, comment: string): void {
    try {
      const { file: open } = this;
      // Another thread, or a person, may have deleted it.
      const usable = open !== undefined && open.bytes < this.fileBytesMax && !open.isDeleted();
      const file = usable ? open : this.rotate();
      file.append(bytes, descriptors, d, comment);
      this.counters.packets++;
    } catch {
      // The disk is full, or the folder is gone: the next packet tries again with a new file.
      this.counters.failures++;
      this.close();
    }
  }

  close(): void {
    const { file } = this;
    this.file = undefined;
    file?.close();
  }

  /** Starts the next file. Another thread may write to the same folder: a number that is taken is passed over. */
  private rotate(): PcapngFile {
    this.close();
    const files = evidenceFiles(this.folder);
    this.prune(files);
    let number = numberOf(files.at(-1) ?? '') + 1;
    for (let tries = 0; ; tries++, number++) {
      const path = join(this.folder, `evidence-${String(number).padStart(8, '0')}.pcapng`);
      try {
        this.file = new PcapngFile(openSync(path, 'wx', 0o640));
        return this.file;
      } catch (error) {
        if (errorCode(error) !== 'EEXIST' || tries >= NAME_TRIES) throw error;
      }
    }
  }

  /** Deletes the oldest files until those that are being written fit into the budget. */
  private prune(files: readonly string[]): void {
    const sizes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
    let total = sizes.reduce((sum, size) => sum + size, 0);
    for (let i = 0; i < files.length && total > this.bytesMax - this.bytesMax / FILES; i++) {
      // Another thread may have been sooner.
      rmSync(files[i] as string, { force: true });
      this.counters.deletedFiles++;
      total -= sizes[i] as number;
    }
  }
}
