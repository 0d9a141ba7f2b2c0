/** What the stages above may ask about a flow, read from the flow table and the flow's first word. */

import { formatAddress } from '../base/address.ts';
import type { FlowReader, Side } from '../contracts/stream.ts';
import type { FlowTable } from '../flow/table.ts';
import { CLIENT, CLIENT_KNOWN, FLOW_WORDS, MIDSTREAM } from './flow-words.ts';

export class FlowFacts implements FlowReader {
  protected readonly table: FlowTable;
  /** `FLOW_WORDS` words a flow; the first holds its state and flags. */
  protected readonly words: Int32Array;

  constructor(table: FlowTable, words: Int32Array) {
    this.table = table;
    this.words = words;
  }

  protected has(slot: number, flag: number): boolean {
    return ((this.words[slot * FLOW_WORDS] as number) & flag) !== 0;
  }

  address(slot: number, side: Side): string {
    const table = this.table;
    return formatAddress(
      table.addressWord(slot, side, 0),
      table.addressWord(slot, side, 1),
      table.addressWord(slot, side, 2),
      table.addressWord(slot, side, 3),
    );
  }

  port(slot: number, side: Side): number {
    return this.table.port(slot, side);
  }

  clientSide(slot: number): Side | -1 {
    if (!this.has(slot, CLIENT_KNOWN)) return -1;
    return this.has(slot, CLIENT) ? 1 : 0;
  }

  firstTsUs(slot: number): number {
    return this.table.firstUs(slot);
  }

  isMidstream(slot: number): boolean {
    return this.has(slot, MIDSTREAM);
  }

  vlanId(slot: number): number {
    return this.table.vlanId(slot);
  }

  tunnelKind(slot: number): number {
    return this.table.tunnelKind(slot);
  }

  tunnelId(slot: number): number {
    return this.table.tunnelId(slot);
  }

  interfaceIndex(slot: number): number {
    return this.table.interfaceIndex(slot);
  }
}
