/** State of one connection: who speaks which dialect, what is prepared. What a MARS session has of its own is a channel. */
import type { TransactionState } from '../../contracts/event.ts';
import { type ConnectionInfo, END_UNSEEN, type EndReason, type EventSink } from '../../contracts/protocol.ts';
import type { DriverCounters } from '../sdk/counters.ts';
import { ClientSession } from '../sdk/session.ts';
import { TlsObserver } from '../sdk/tls.ts';
import { Channel } from './channel.ts';
import { ENCRYPT_UNKNOWN } from './constants.ts';
import { Dialect } from './dialect.ts';
import { MARS_SESSION_BYTES } from './limits.ts';
import { type PreparedTable, preparedTable } from './statements.ts';

export class TdsSession extends ClientSession {
  readonly dialect: Dialect = new Dialect();
  readonly handles: PreparedTable;
  /** The connection itself, or all of it that is not multiplexed. */
  readonly main: Channel;
  /** MARS sessions by number; made by `smp.ts`. */
  readonly mars: Map<number, Multiplexed> = new Map();

  /** First byte of the client's first login message. */
  loginStartUs = -1;
  transaction: TransactionState | undefined = undefined;
  /** A request had ALL_HEADERS: all of them have. */
  headersSeen = false;
  /** What the server answered to the encryption option of PRELOGIN. */
  encryption: number = ENCRYPT_UNKNOWN;
  readonly tls: TlsObserver;
  tlsStartUs = -1;
  /** Its handshake was inside PRELOGIN packets: not TDS 8.0. */
  tlsWrapped = false;
  /** The client's login is inside TLS: nothing of it can be read. */
  loginEncrypted = false;
  /** Frames may have been lost since the connection began. */
  gapSeen: boolean;
  /** Replies, and messages of the client, that belong to nothing known. */
  strayMessages = 0;
  /** Requests given up because too many waited for their reply. */
  pendingOverflows = 0;
  /** MARS sessions refused because too many were open. */
  marsOverflows = 0;
  /** Of the drivers of MARS sessions. */
  marsCounters: DriverCounters | undefined = undefined;

  constructor(connection: ConnectionInfo) {
    super(connection, 'microsoft.sql_server');
    this.handles = preparedTable(connection.memory);
    this.tls = new TlsObserver(connection.memory);
    this.gapSeen = connection.midstream;
    this.main = new Channel(this);
  }

  /** TLS began, and nothing was read since. */
  get isHidden(): boolean {
    return this.tlsStartUs >= 0 && !this.loggedIn && !this.loginEncrypted && !this.hasStatements;
  }

  /** The rest of the connection is encrypted. */
  becomeOpaque(tsUs: number, sink: EventSink): void {
    this.emitOpaque('tls', this.tlsStartUs < 0 ? tsUs : this.tlsStartUs, { ...this.tls.facts }, sink);
  }

  /** As `ProtocolModule.relieve`. */
  relieve(all: boolean, tsUs: number, sink: EventSink): void {
    const { connection } = this;
    this.tls.relieve();
    this.main.relieve(all, sink);
    for (const mars of this.mars.values()) mars.relieve(all, tsUs);
    if (!all) return;
    this.handles.evictAll();
    // Opened again by what comes of them.
    for (const mars of this.mars.values()) mars.end(END_UNSEEN, tsUs);
    if (this.mars.size > 0) this.gapSeen = true;
    connection.memory.add(-MARS_SESSION_BYTES * this.mars.size);
    this.mars.clear();
  }

  end(reason: EndReason, tsUs: number, sink: EventSink): void {
    this.main.end(sink);
    for (const mars of this.mars.values()) mars.end(reason, tsUs);
    this.logoutAtEnd(reason, tsUs, sink);
  }
}

/** A MARS session: its channel, and what drives it. */
export interface Multiplexed {
  readonly channel: Channel;
  relieve(all: boolean, tsUs: number): void;
  end(reason: EndReason, tsUs: number): void;
}
