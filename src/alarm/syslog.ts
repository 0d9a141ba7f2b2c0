/**
 * Syslog: messages of RFC 5424 over UDP (RFC 5426), TCP (RFC 6587, octet counting) and TLS (RFC 5425). The message is the
 * alarm as JSON, or a CEF line. UDP and TCP do not say whether anybody read it; a broken connection is opened anew.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { formatTime } from '../base/time.ts';
import { severityRank } from '../contracts/record.ts';
import { type Alarm, alarmLine } from './alarm.ts';
import { cefLine } from './cef.ts';
import type { AlarmTransport } from './outlet.ts';

export interface SyslogOptions {
  readonly protocol: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  readonly form: 'json' | 'cef';
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca: Buffer | undefined;
  /** Of this program. */
  readonly version: string;
}

/** "Log audit". */
const FACILITY = 13;
/** Critical, error, warning, notice, informational: by rank of our severities. */
const SYSLOG_SEVERITIES = [6, 5, 4, 3, 2];
/** Receivers should take this much; over UDP nobody could ask for the rest. */
const DATAGRAM_BYTES_MAX = 2048;
const STREAM_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_ROOM = 400;
const IDLE_MS = 9000;
const MSGID_CHARS_MAX = 32;

export function syslogMessage(alarm: Alarm, form: 'json' | 'cef', bytesMax: number, version: string): string {
  const priority = FACILITY * 8 + (SYSLOG_SEVERITIES[severityRank(alarm.severity)] ?? 6);
  const host =
    hostname()
      .replace(/[^!-~]/g, '')
      .slice(0, 255) || '-';
  const id = alarm.rule.replace(/[^!-~]/g, '').slice(0, MSGID_CHARS_MAX) || '-';
  const room = bytesMax - HEADER_BYTES_ROOM;
  const text = form === 'cef' ? cefLine(alarm, version, room) : alarmLine(alarm, room);
  return `<${priority}>1 ${formatTime(alarm.timeUs)} ${host} wiretrail ${process.pid} ${id} - ${text}`;
}

export function syslogTransport(options: SyslogOptions): AlarmTransport {
  return options.protocol === 'udp' ? new DatagramSyslog(options) : new StreamSyslog(options);
}

function nameOf({ form, protocol, host, port }: SyslogOptions): string {
  return `${form === 'cef' ? 'cef' : 'syslog'}+${protocol}://${host}:${port}`;
}

class DatagramSyslog implements AlarmTransport {
  readonly name: string;
  private readonly options: SyslogOptions;
  private readonly socket: DatagramSocket;

  constructor(options: SyslogOptions) {
    this.options = options;
    this.name = nameOf(options);
    this.socket = createSocket(isIPv6(options.host) ? 'udp6' : 'udp4').unref();
    this.socket.on('error', () => undefined); // reported by the send it belongs to
  }

  send(alarm: Alarm): Promise<void> {
    const { host, port, form, version } = this.options;
    const bytes = Buffer.from(syslogMessage(alarm, form, DATAGRAM_BYTES_MAX, version)).subarray(0, DATAGRAM_BYTES_MAX);
    return new Promise((done, fail) => {
      this.socket.send(bytes, port, host, (error) => (error ? fail(error) : done()));
    });
  }

  close(): void {
    this.socket.close();
  }
}

class StreamSyslog implements AlarmTransport {
  readonly name: string;
  private readonly options: SyslogOptions;
  private socket: Socket | undefined = undefined;

  constructor(options: SyslogOptions) {
    this.options = options;
    this.name = nameOf(options);
  }

  async send(alarm: Alarm): Promise<void> {
    const { form, version } = this.options;
    const message = Buffer.from(syslogMessage(alarm, form, STREAM_BYTES_MAX, version));
    const frame = Buffer.concat([Buffer.from(`${message.length} `), message]);
    // Nothing is written before the other side is known to be the right one.
    const socket = await this.connected();
    await settled(socket, (done) => socket.write(frame, () => done()));
  }

  close(): void {
    this.socket?.destroy();
  }

  /** The connection, made when there is none. */
  private async connected(): Promise<Socket> {
    if (this.socket !== undefined && !this.socket.destroyed && this.socket.writable) return this.socket;
    const { protocol, host, port, ca } = this.options;
    const socket =
      protocol === 'tls'
        ? connectTls({ host, port, servername: isIP(host) ? '' : host, ...(ca && { ca }) })
        : connectTcp({ host, port });
    this.socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    // Also ends an attempt that hangs, so that its message does not wait beside the repeated one.
    socket.setTimeout(IDLE_MS, () => socket.destroy(new Error('no answer')));
    socket.resume().unref();
    await settled(socket, (done) => socket.once(protocol === 'tls' ? 'secureConnect' : 'connect', done));
    return socket;
  }
}

/** Resolves when `begin` calls back; rejects when the socket fails or closes first. */
function settled(socket: Socket, begin: (done: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const broken = (): void => fail(new Error('the connection broke'));
    const forget = (): void => {
      socket.off('error', fail);
      socket.off('close', broken);
    };
    const fail = (error: Error): void => {
      forget();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('close', broken);
    begin(() => {
      forget();
      if (socket.errored) reject(socket.errored);
      else resolve();
    });
  });
}
