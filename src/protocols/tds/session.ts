/** State of one connection: who speaks which dialect, what is prepared. What a MARS session has of its own is a channel. */
import {
  type AuditEvent,
  type Identity,
  LogoutEvent,
  MARK_GAP,
  MARK_MIDSTREAM,
  OpaqueEvent,
  type TransactionState,
} from '../../contracts/event.ts';
import { type ConnectionInfo, END_FIN, END_UNSEEN, type EndReason, type EventSink } from '../../contracts/protocol.ts';
import { TlsObserver } from '../sdk/tls.ts';
import { Channel } from './channel.ts';
import { ENCRYPT_UNKNOWN } from './constants.ts';
import { Dialect } from './dialect.ts';
import { HandleTable } from './statements.ts';

export class TdsSession {
  readonly connection: ConnectionInfo;
  readonly dialect: Dialect = new Dialect();
  readonly handles: HandleTable = new HandleTable();
  /** The connection itself, or all of it that is not multiplexed. */
  readonly main: Channel;
  /** MARS sessions by number; made by `smp.ts`. */
  readonly mars: Map<number, Multiplexed> = new Map();

  identity: Identity;
  /** First byte of the client's first login message. */
  loginStartUs = -1;
  loggedIn = false;
  /** The login was not seen. */
  userUnknown: boolean;
  transaction: TransactionState | undefined = undefined;
  /** A request had ALL_HEADERS: all of them have. */
  headersSeen = false;
  /** What the server answered to the encryption option of PRELOGIN. */
  encryption: number = ENCRYPT_UNKNOWN;
  readonly tls: TlsObserver = new TlsObserver();
  tlsStartUs = -1;
  /** Its handshake was inside PRELOGIN packets: not TDS 8.0. */
  tlsWrapped = false;
  /** The client's login is inside TLS: nothing of it can be read. */
  loginEncrypted = false;
  /** Frames may have been lost since the connection began. */
  gapSeen: boolean;
  /** Lost bytes that no event carries yet. */
  lostBytes = 0;
  /** Replies, and messages of the client, that belong to nothing known. */
  strayMessages = 0;
  /** Requests given up because too many waited for their reply. */
  pendingOverflows = 0;
  /** MARS sessions refused because too many were open. */
  marsOverflows = 0;
  private emitted = 0;
  private loggedOut = false;

  constructor(connection: ConnectionInfo) {
    this.connection = connection;
    this.userUnknown = connection.midstream;
    this.gapSeen = connection.midstream;
    this.main = new Channel(this);
    this.identity = {
      system: 'microsoft.sql_server',
      user: undefined,
      effectiveUser: undefined,
      osUser: undefined,
      clientHost: undefined,
      program: undefined,
      endUser: undefined,
      database: undefined,
    };
  }

  /** Takes over what became known of who speaks. */
  identify(change: Partial<Identity>): void {
    this.identity = { ...this.identity, ...change };
  }

  emit(event: AuditEvent, sink: EventSink): void {
    if (this.userUnknown) event.marks |= MARK_MIDSTREAM;
    if (this.lostBytes > 0 && event.kind === 'statement' && (event.marks & MARK_GAP) !== 0) {
      event.lostBytes += this.lostBytes;
      this.lostBytes = 0;
    }
    if (event.kind === 'statement') this.emitted++;
    sink.emit(event);
  }

  /** TLS began, and nothing was read since. */
  get isHidden(): boolean {
    return this.tlsStartUs >= 0 && !this.loggedIn && !this.loginEncrypted && this.emitted === 0;
  }

  /** The rest of the connection is encrypted. */
  emitOpaque(tsUs: number, sink: EventSink): void {
    const event = new OpaqueEvent(this.identity, this.tlsStartUs < 0 ? tsUs : this.tlsStartUs, 'tls');
    event.tls = { ...this.tls.facts };
    this.emit(event, sink);
  }

  end(reason: EndReason, tsUs: number, sink: EventSink): void {
    this.main.end(sink);
    for (const mars of this.mars.values()) mars.end(reason, tsUs);
    if (reason !== END_UNSEEN) this.logout(reason === END_FIN ? 'fin' : 'rst', tsUs, sink);
  }

  logout(reason: string, tsUs: number, sink: EventSink): void {
    if (this.loggedOut || (!this.loggedIn && this.emitted === 0)) return;
    this.loggedOut = true;
    this.emit(new LogoutEvent(this.identity, tsUs, reason), sink);
  }
}

/** A MARS session: its channel, and what drives it. */
export interface Multiplexed {
  readonly channel: Channel;
  end(reason: EndReason, tsUs: number): void;
}
