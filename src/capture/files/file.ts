/**
 * Packet source over capture files: pcap and pcapng, plain or compressed with gzip or zstd, one after the other in the
 * order given. Memory does not depend on the size of a file: one buffer is refilled in large reads, and what is left of
 * a record moves to its front.
 */
import type { PacketBatch, PacketSource, SourceStats } from '../../contracts/packet.ts';
import {
  ByteWindow,
  countBatch,
  emptyStats,
  InputError,
  PACKET_BYTES_MAX,
  type RecordDecoder,
  ReusedBatch,
} from '../batch.ts';
import { InflateInput } from './inflate.ts';
import { type ByteInput, FdInput, READ_END, READ_NOTHING } from './input.ts';
import { expandPaths, type FileKind, type InputFile, kindOf, notACapture, STDIN_PATH } from './paths.ts';
import { PcapDecoder, pcapLittleEndian } from './pcap.ts';
import { BLOCK_BYTES_MAX, PcapngDecoder } from './pcapng.ts';

export interface FileOptions {
  /** Read buffer. 1 MiB measured fastest; at least twice the longest record. */
  readonly bufferBytes?: number;
  /** Most bytes of one read; smaller only to test records that straddle reads. */
  readonly readBytesMax?: number;
  /** Most packets of one batch. */
  readonly batchPacketsMax?: number;
}

const BUFFER_BYTES_DEFAULT = 1024 * 1024;
const BUFFER_BYTES_MIN: number = 2 * Math.max(BLOCK_BYTES_MAX, PACKET_BYTES_MAX);
const BATCH_PACKETS_DEFAULT = 8192;
/** Bytes that tell the format. */
const MAGIC_BYTES = 4;

/** A packet source that also tells how far it is. */
export interface FileSource extends PacketSource {
  /** Bytes read so far, as stored on disk, over all files. */
  readonly bytesRead: number;
  /** Sizes of all files together; `undefined` when one is a pipe. */
  readonly bytesTotal: number | undefined;
  /** File being read; `undefined` before the first and after the last. */
  readonly currentFile: string | undefined;
}

/**
 * Opens capture files for replay: names of files, folders, glob patterns, or `-` for standard input. Throws
 * `InputError` when one of them cannot be used; `poll` throws it when a file turns out to be corrupt, after the packets
 * before that place were handed out.
 */
export function openFiles(paths: readonly string[], options: FileOptions = {}): FileSource {
  if (paths.length === 0) throw new InputError('no input file given');
  return new FileReader(expandPaths(paths), options);
}

class FileReader implements FileSource {
  readonly interfaces: readonly string[];
  readonly bytesTotal: number | undefined;
  readonly #files: readonly InputFile[];
  readonly #window: ByteWindow;
  readonly #batch: ReusedBatch;
  readonly #readBytesMax: number;
  readonly #stats: SourceStats = emptyStats();
  /** Index of the file being read. */
  #index = -1;
  #input: ByteInput | undefined;
  #decoder: RecordDecoder | undefined;
  /** Found behind packets that were handed out: thrown by the next poll. */
  #failure: InputError | undefined;
  #bytesReadBefore = 0;
  #ended = false;

  constructor(files: readonly InputFile[], options: FileOptions) {
    this.#files = files;
    this.interfaces = files.map((file) => (file.path === STDIN_PATH ? 'standard input' : file.path));
    this.bytesTotal = files.reduce<number | undefined>(
      (sum, file) => (sum === undefined || file.bytes === undefined ? undefined : sum + file.bytes),
      0,
    );
    this.#window = new ByteWindow(Math.max(options.bufferBytes ?? BUFFER_BYTES_DEFAULT, BUFFER_BYTES_MIN));
    this.#readBytesMax = Math.max(1, options.readBytesMax ?? Number.MAX_SAFE_INTEGER);
    this.#batch = new ReusedBatch(this.#window.bytes, Math.max(1, options.batchPacketsMax ?? BATCH_PACKETS_DEFAULT));
  }

  get ended(): boolean {
    return this.#ended;
  }

  get bytesRead(): number {
    return this.#bytesReadBefore + (this.#input?.consumedBytes ?? 0);
  }

  get currentFile(): string | undefined {
    return this.#input === undefined ? undefined : this.interfaces[this.#index];
  }

  stats(): SourceStats {
    return { ...this.#stats };
  }

  poll(timeoutMs: number): PacketBatch | undefined {
    const batch = this.#batch;
    batch.clear();
    while (!this.#ended) {
      if (this.#failure !== undefined) this.#fail(this.#failure);
      const input = this.#input ?? this.#openNext();
      if (input === undefined) return undefined;
      this.#decode();
      if (batch.count > 0) {
        countBatch(this.#stats, batch);
        return batch;
      }
      if (this.#failure === undefined && !this.#fill(input, timeoutMs)) return undefined;
    }
    return undefined;
  }

  release(_batch: PacketBatch): void {
    // The buffer is overwritten by the next poll only; there is nothing to give back before.
  }

  close(): void {
    this.#ended = true;
    this.#closeInput();
  }

  /** Ends the replay: what follows a corrupt place cannot be trusted, and other files are not read without a word. */
  #fail(failure: InputError): never {
    this.close();
    throw failure;
  }

  #openNext(): ByteInput | undefined {
    this.#index++;
    const file = this.#files[this.#index];
    if (file === undefined) {
      this.#ended = true;
      return undefined;
    }
    this.#window.reset();
    this.#decoder = undefined;
    this.#input = openInput(file);
    return this.#input;
  }

  #decode(): void {
    const window = this.#window;
    if (this.#decoder === undefined) {
      if (window.available() < MAGIC_BYTES) return;
      this.#decoder = this.#chooseDecoder();
    }
    const reason = this.#decoder?.decode(window, this.#batch);
    if (reason !== undefined) this.#failure = new InputError(`${this.#name()}: ${reason}`);
  }

  #chooseDecoder(): RecordDecoder | undefined {
    const window = this.#window;
    const kind: FileKind | undefined = kindOf(window.bytes, window.start, window.end);
    if (kind === 'pcap') return new PcapDecoder(pcapLittleEndian(window.view, window.start) === true, this.#index);
    if (kind === 'pcapng') return new PcapngDecoder(this.#index);
    this.#failure =
      kind === undefined
        ? notACapture(this.#name())
        : new InputError(`${this.#name()}: ${kind} data that must be decompressed first`);
    return undefined;
  }

  /** Reads more. False when the poll's time is up; true when there is more, or the next file. */
  #fill(input: ByteInput, timeoutMs: number): boolean {
    const window = this.#window;
    window.compact();
    const limit = Math.min(window.bytes.length, window.end + this.#readBytesMax);
    const count = input.read(window.bytes, window.end, limit, timeoutMs);
    if (count === READ_NOTHING) return false;
    if (count === READ_END) this.#finishInput(input);
    else window.end += count;
    return true;
  }

  #finishInput(input: ByteInput): void {
    const decoder = this.#decoder;
    if (decoder === undefined && !input.truncated) this.#fail(notACapture(this.#name()));
    const whole = decoder?.atBoundary() === true && this.#window.available() === 0 && !input.truncated;
    if (!whole) this.#stats.truncatedInputs++;
    this.#stats.drops += decoder?.lostPackets() ?? 0;
    this.#closeInput();
  }

  #closeInput(): void {
    if (this.#input === undefined) return;
    this.#bytesReadBefore += this.#input.consumedBytes;
    this.#input.close();
    this.#input = undefined;
  }

  #name(): string {
    return this.interfaces[this.#index] ?? '';
  }
}

function openInput(file: InputFile): ByteInput {
  if (file.path === STDIN_PATH) return FdInput.openStdin();
  if (file.kind === 'gzip' || file.kind === 'zstd') return new InflateInput(file.path, file.kind);
  return FdInput.openFile(file.path);
}
