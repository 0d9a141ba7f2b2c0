/** Builders of PostgreSQL messages, and a session under test that collects what it emits. For tests only. */
import { unlimitedMemory } from '../../base/memory-budget.ts';
import { type AuditEvent, LoginEvent, type OpaqueEvent, StatementEvent } from '../../contracts/event.ts';
import {
  type ConnectionInfo,
  type Direction,
  END_FIN,
  type EndReason,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import postgres from './protocol.ts';
import type { Session } from './session.ts';

export function i16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value & 0xffff);
  return bytes;
}

export function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

export function i64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

export function z(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** A typed message. */
export function message(tag: string, ...body: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([Buffer.from(tag), i32(content.length + 4), content]);
}

/** An opening packet. */
export function opening(code: number, ...body: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([i32(content.length + 8), i32(code), content]);
}

export function startup(parameters: Readonly<Record<string, string>>, version = 196_608): Buffer {
  const pairs = Object.entries(parameters).flatMap(([key, value]) => [z(key), z(value)]);
  return opening(version, ...pairs, Buffer.alloc(1));
}

export const sslRequest: Buffer = opening(80_877_103);
export const gssRequest: Buffer = opening(80_877_104);

export function query(text: string): Buffer {
  return message('Q', z(text));
}

export function parse(name: string, text: string, types: readonly number[] = []): Buffer {
  return message('P', z(name), z(text), i16(types.length), ...types.map(i32));
}

/** `formats`: none is text for all. `null` is NULL. */
export function bind(
  portal: string,
  statement: string,
  values: readonly (Uint8Array | string | null)[] = [],
  formats: readonly number[] = [],
): Buffer {
  const encoded = values.flatMap((value) => {
    if (value === null) return [i32(-1)];
    const bytes = Buffer.from(value);
    return [i32(bytes.length), bytes];
  });
  return message(
    'B',
    z(portal),
    z(statement),
    i16(formats.length),
    ...formats.map(i16),
    i16(values.length),
    ...encoded,
    i16(0),
  );
}

export function execute(portal = '', rowsMax = 0): Buffer {
  return message('E', z(portal), i32(rowsMax));
}

export function describe(kind: 'S' | 'P', name = ''): Buffer {
  return message('D', Buffer.from(kind), z(name));
}

export function close(kind: 'S' | 'P', name: string): Buffer {
  return message('C', Buffer.from(kind), z(name));
}

export const sync: Buffer = message('S');
export const flush: Buffer = message('H');
export const terminate: Buffer = message('X');
export const parseComplete: Buffer = message('1');
export const bindComplete: Buffer = message('2');
export const closeComplete: Buffer = message('3');
export const noData: Buffer = message('n');
export const suspended: Buffer = message('s');
export const emptyQuery: Buffer = message('I');
export const copyDone: Buffer = message('c');

export function ready(status: 'I' | 'T' | 'E' = 'I'): Buffer {
  return message('Z', Buffer.from(status));
}

export function complete(tag: string): Buffer {
  return message('C', z(tag));
}

export function columns(...names: readonly string[]): Buffer {
  const fields = names.flatMap((name) => [z(name), i32(0), i16(0), i32(25), i16(-1), i32(-1), i16(0)]);
  return message('T', i16(names.length), ...fields);
}

export function row(...values: readonly (string | null)[]): Buffer {
  const encoded = values.flatMap((value) =>
    value === null ? [i32(-1)] : [i32(Buffer.byteLength(value)), Buffer.from(value)],
  );
  return message('D', i16(values.length), ...encoded);
}

export function error(code: string, text: string, severity = 'ERROR'): Buffer {
  return message('E', z(`S${severity}`), z(`V${severity}`), z(`C${code}`), z(`M${text}`), Buffer.alloc(1));
}

export function notice(text: string): Buffer {
  return message('N', z('SNOTICE'), z('VNOTICE'), z('C00000'), z(`M${text}`), Buffer.alloc(1));
}

export function parameter(name: string, value: string): Buffer {
  return message('S', z(name), z(value));
}

export function keyData(processId: number, key: Uint8Array): Buffer {
  return message('K', i32(processId), key);
}

export function auth(code: number, ...body: readonly Uint8Array[]): Buffer {
  return message('R', i32(code), ...body);
}

export function copyStart(tag: 'G' | 'H' | 'W', format: 0 | 1, columnCount = 1): Buffer {
  return message(
    tag,
    Buffer.from([format]),
    i16(columnCount),
    ...Array.from({ length: columnCount }, () => i16(format)),
  );
}

export function copyData(data: Uint8Array | string): Buffer {
  return message('d', Buffer.from(data));
}

/** One connection under test. Time goes on by 10 µs with every call. */
export class Dialogue {
  readonly events: AuditEvent[] = [];
  readonly session: Session;
  readonly driver: Driver<Session>;
  tsUs = 1000;

  constructor(options: { readonly midstream?: boolean; readonly shared?: Map<string, unknown> } = {}) {
    const midstream = options.midstream ?? false;
    const connection: ConnectionInfo = {
      protocol: 'postgres',
      clientAddress: '10.0.0.1',
      clientPort: 40_000,
      serverAddress: '10.0.0.2',
      serverPort: 5432,
      firstTsUs: 1000,
      midstream,
      vlanId: -1,
      tunnel: '',
      shared: options.shared ?? new Map(),
      memory: unlimitedMemory(),
    };
    this.session = postgres.open(connection);
    const sink = { emit: (event: AuditEvent): void => void this.events.push(event) };
    this.driver = new Driver(postgres, this.session, sink, newDriverCounters(), midstream);
  }

  client(...messages: readonly Uint8Array[]): this {
    return this.send(TO_SERVER, messages);
  }

  server(...messages: readonly Uint8Array[]): this {
    return this.send(TO_CLIENT, messages);
  }

  gap(direction: Direction, lostBytes: number): this {
    this.tsUs += 10;
    this.driver.gap(direction, lostBytes, this.tsUs);
    return this;
  }

  end(reason: EndReason = END_FIN): this {
    this.tsUs += 10;
    this.driver.end(reason, this.tsUs);
    return this;
  }

  /** Logs `user` in without authentication. */
  login(user = 'alice', database = 'shop'): this {
    return this.client(startup({ user, database, application_name: 'till' })).server(
      auth(0),
      parameter('client_encoding', 'UTF8'),
      keyData(77, i32(0x1234)),
      ready(),
    );
  }

  statements(): StatementEvent[] {
    return this.events.filter((event) => event instanceof StatementEvent);
  }

  /** The statement at `index`; fails the test when there is none. */
  statement(index = 0): StatementEvent {
    return found(this.statements()[index], `statement ${index} of ${this.statements().length}`);
  }

  logins(): LoginEvent[] {
    return this.events.filter((event) => event instanceof LoginEvent);
  }

  opaque(): OpaqueEvent {
    return found(
      this.events.find((event) => event.kind === 'opaque'),
      'opaque event',
    );
  }

  private send(direction: Direction, messages: readonly Uint8Array[]): this {
    this.tsUs += 10;
    const bytes = Buffer.concat(messages);
    this.driver.data(direction, bytes, 0, bytes.length, this.tsUs);
    bytes.fill(0xdd);
    return this;
  }
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`no ${what}`);
  return value;
}
