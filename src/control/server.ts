/**
 * The listening end of the control socket. Only its owner and root may speak: the socket has mode 0600, which Linux checks
 * in connect(2), and stands in a folder that others cannot write; whoever gets through all the same (a mode that was
 * changed, a descriptor that was handed on) is asked for by SO_PEERCRED. Requests of a connection are answered in order.
 */
import { chmodSync, lstatSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { UserError } from '../base/errors.ts';
import { CODE_REPLY, encodeFrame, type Frame, FrameReader, RESULT_FAILED, RESULT_UNKNOWN_CODE } from './frame.ts';

export interface ControlReply {
  /** `RESULT_*`. */
  readonly result: number;
  readonly content: string;
}

/** Answers requests of one code. A rejection is answered with `RESULT_FAILED` and its message. */
export type ControlHandler = (content: Buffer) => ControlReply | Promise<ControlReply>;

/** User id of the process that connected the socket with this descriptor; throws when the system does not say. */
export type PeerLookup = (fd: number) => number;

export interface ControlCounters {
  connections: number;
  /** Closed at once: too many at a time. */
  turnedAway: number;
  /** Closed at once: another user's process, or one that the system did not name. */
  strangers: number;
  requests: number;
  /** Closed for speaking something else. */
  malformed: number;
}

const CONNECTIONS_MAX = 8;
const IDLE_TIMEOUT_MS = 10_000;
const PROBE_TIMEOUT_MS = 1000;
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
/** sun_path of unix(7), without its end. */
const PATH_BYTES_MAX = 107;

export class ControlServer {
  readonly counters: ControlCounters = {
    connections: 0,
    turnedAway: 0,
    strangers: 0,
    requests: 0,
    malformed: 0,
  };
  private readonly server: Server;
  private readonly handlers: ReadonlyMap<number, ControlHandler>;
  private readonly peerOf: PeerLookup | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(handlers: ReadonlyMap<number, ControlHandler>, peerOf: PeerLookup | undefined) {
    this.handlers = handlers;
    this.peerOf = peerOf;
    this.server = createServer({ allowHalfOpen: true }, (socket) => this.accept(socket));
  }

  /**
   * Listens at `path`. Rejects with a UserError when another sensor does, or the place is not safe. Without `peerOf` the
   * socket's mode alone decides who may speak.
   */
  static async listen(
    path: string,
    handlers: ReadonlyMap<number, ControlHandler>,
    peerOf?: PeerLookup,
  ): Promise<ControlServer> {
    checkPlace(path);
    await removeStale(path);
    const control = new ControlServer(handlers, peerOf);
    await new Promise<void>((done, fail) => {
      control.server.once('error', (error) => fail(new UserError(`cannot listen at ${path}: ${error.message}`)));
      // Bound within the call, so that the socket never exists with a wider mode.
      const umask = process.umask(0o177);
      try {
        control.server.listen(path, done);
      } finally {
        process.umask(umask);
      }
    });
    chmodSync(path, 0o600);
    return control;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private accept(socket: Socket): void {
    if (this.peerOf !== undefined && !mayTalk(socket, this.peerOf)) {
      this.counters.strangers++;
      socket.destroy();
      return;
    }
    if (this.sockets.size >= CONNECTIONS_MAX) {
      this.counters.turnedAway++;
      socket.destroy();
      return;
    }
    this.counters.connections++;
    this.sockets.add(socket);
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    void this.serve(socket);
  }

  /** Reads no further request while one is being answered. */
  private async serve(socket: Socket): Promise<void> {
    const reader = new FrameReader();
    try {
      for await (const chunk of socket) {
        reader.push(chunk as Buffer);
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          const { result, content } = await this.answer(frame);
          await written(socket, encodeFrame((frame.code | CODE_REPLY) >>> 0, result, Buffer.from(content)));
        }
        if (reader.error === undefined) continue;
        this.counters.malformed++;
        break;
      }
      socket.end();
    } catch {
      socket.destroy(); // it went away
    }
  }

  private async answer(frame: Frame): Promise<ControlReply> {
    this.counters.requests++;
    const handler = this.handlers.get(frame.code);
    if (handler === undefined) return { result: RESULT_UNKNOWN_CODE, content: `unknown code ${frame.code}` };
    try {
      return await handler(frame.content);
    } catch (error) {
      return { result: RESULT_FAILED, content: (error as Error).message };
    }
  }
}

/** Who asks and does not read the replies is asked nothing more, so that no replies pile up. */
function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((done, fail) => {
    socket.write(bytes, (error) => (error ? fail(error) : done()));
  });
}

/** The sensor's own user and root. Who is not known may not. */
function mayTalk(socket: Socket, peerOf: PeerLookup): boolean {
  const fd = descriptorOf(socket);
  if (fd === undefined) return false;
  try {
    const uid = peerOf(fd);
    return uid === 0 || uid === process.geteuid?.();
  } catch {
    return false;
  }
}

/** Node has no public name for it; every Node this program runs on keeps it here, and a test watches over that. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: unknown } };
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}

/** Whoever can write the folder could put a socket of their own in our place. */
function checkPlace(path: string): void {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new UserError(`${path}: longer than the ${PATH_BYTES_MAX} bytes a socket's path may have`);
  const folder = dirname(resolve(path));
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) throw new UserError(`cannot listen at ${path}: ${folder} is no folder`);
  if ((stat.mode & OTHERS_WRITE) !== 0 && (stat.mode & STICKY) === 0)
    throw new UserError(`cannot listen at ${path}: others can write ${folder}`);
}

/** Removes the socket of a sensor that is gone. Rejects when one answers there, or it is no socket. */
async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new UserError(`cannot listen at ${path}: it exists and is no socket`);
  if (await answers(path)) throw new UserError(`cannot listen at ${path}: another sensor does`);
  rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    const end = (answer: boolean): void => {
      socket.destroy();
      done(answer);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end(true));
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}
