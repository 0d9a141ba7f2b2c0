/**
 * Cuts the packets of one session out of captures, or out of a folder of evidence. A session's id follows from its two
 * ends and the time of its first packet (`audit/ids.ts`), so no protocol needs to be understood to find it again.
 */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import { sessionId } from '../base/session-id.ts';
import { evidenceFiles } from '../capture/evidence/evidence-files.ts';
import { commentOf, pcapngBlocks } from '../capture/files/pcapng-blocks.ts';
import { PcapngFile } from '../capture/files/pcapng-file.ts';
import { DESCRIPTOR_WORDS, type PacketBatch, type PacketSource } from '../contracts/packet.ts';
import { type FlowReader, type Side, STREAM_KEEP, type StreamReceiver } from '../contracts/stream.ts';
import { PacketView } from '../contracts/view.ts';
import { Decoder } from '../decode/decoder.ts';
import { DECODE_TCP } from '../decode/layers.ts';
import { Reassembler } from '../reassembly/reassembler.ts';
import { evidenceComment } from './evidence.ts';

/** Flows are followed as in a replay, but nobody reads their bytes. */
const NO_READER: StreamReceiver = {
  onData: () => STREAM_KEEP,
  onGap: () => STREAM_KEEP,
  onEnd: () => undefined,
};

/** Says of each flow, once, whether it is the session looked for. */
class SessionFinder {
  private readonly session: string;
  private readonly flows: FlowReader;
  /** Time of the first packet of the flow that was judged, by slot; and the verdict. */
  private readonly judgedUs: Float64Array;
  private readonly verdicts: Uint8Array;

  constructor(session: string, flows: FlowReader, flowsMax: number) {
    this.session = session;
    this.flows = flows;
    this.judgedUs = new Float64Array(flowsMax).fill(-1);
    this.verdicts = new Uint8Array(flowsMax);
  }

  isWanted(slot: number): boolean {
    const firstUs = this.flows.firstTsUs(slot);
    if (this.judgedUs[slot] !== firstUs) {
      this.judgedUs[slot] = firstUs;
      // Which end is the client, the protocol may have told.
      this.verdicts[slot] = this.idOf(slot, 0) === this.session || this.idOf(slot, 1) === this.session ? 1 : 0;
    }
    return this.verdicts[slot] === 1;
  }

  private idOf(slot: number, clientSide: Side): string {
    const { flows } = this;
    const serverSide = (1 - clientSide) as Side;
    return sessionId({
      clientAddress: flows.address(slot, clientSide),
      clientPort: flows.port(slot, clientSide),
      serverAddress: flows.address(slot, serverSide),
      serverPort: flows.port(slot, serverSide),
      firstTsUs: flows.firstTsUs(slot),
    });
  }
}

/** Copies the session's packets from a source to `path`; answers how many. Of IP fragments, only the last is found. */
export function extractFromSource(source: PacketSource, session: string, path: string, flowsMax: number): number {
  const reassembler = new Reassembler({ flowsMax });
  reassembler.setReceiver(NO_READER);
  const finder = new SessionFinder(session, reassembler, flowsMax);
  const decoder = new Decoder();
  const view = new PacketView();
  let file: PcapngFile | undefined;
  const take = (batch: PacketBatch, index: number): void => {
    if (decoder.decode(batch, index, view) !== DECODE_TCP) return;
    reassembler.push(view);
    const slot = reassembler.lastSlot;
    if (slot < 0 || !finder.isWanted(slot)) return;
    file ??= new PcapngFile(create(path));
    file.append(batch.bytes, batch.descriptors, index * DESCRIPTOR_WORDS, evidenceComment(session));
  };
  while (!source.ended) {
    const batch = source.poll(0);
    if (batch === undefined) continue;
    for (let i = 0; i < batch.count; i++) take(batch, i);
    source.release(batch);
  }
  file?.close();
  return file?.packets ?? 0;
}

/** Copies the packets that carry the session's comment from a folder of evidence to `path`; answers how many. */
export function extractFromEvidence(folder: string, session: string, path: string): number {
  const comment = evidenceComment(session);
  const parts: Uint8Array[] = [];
  let packets = 0;
  for (const file of evidenceFiles(folder)) {
    const headers: Uint8Array[] = [];
    const found: Uint8Array[] = [];
    for (const block of pcapngBlocks(readFileSync(file))) {
      const own = commentOf(block);
      if (own === undefined) headers.push(block);
      else if (own === comment) found.push(block);
    }
    if (found.length > 0) parts.push(...headers, ...found);
    packets += found.length;
  }
  if (packets > 0) {
    const fd = create(path);
    writeFileSync(fd, Buffer.concat(parts));
    closeSync(fd);
  }
  return packets;
}

function create(path: string): number {
  try {
    return openSync(path, 'w', 0o640);
  } catch (error) {
    throw new UserError(`${path}: cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}
