/** The asking end of the control socket: one request, one reply. */
import { connect } from 'node:net';
import { UserError } from '../base/errors.ts';
import { CODE_REPLY, encodeFrame, FrameReader } from './frame.ts';
import type { ControlReply } from './server.ts';

const REPLY_TIMEOUT_MS = 30_000;

/** Rejects with a UserError when no sensor answers at `path`. */
export function requestControl(path: string, code: number, content: string): Promise<ControlReply> {
  if (path === '') return Promise.reject(new UserError('the path of the control socket is empty'));
  return new Promise((done, fail) => {
    const socket = connect(path);
    const reader = new FrameReader();
    const refuse = (reason: string): void => {
      socket.destroy();
      fail(new UserError(`${path}: ${reason}`));
    };
    socket.setTimeout(REPLY_TIMEOUT_MS, () => refuse('the sensor does not answer'));
    socket.on('error', (error: NodeJS.ErrnoException) => refuse(REASONS.get(error.code ?? '') ?? error.message));
    socket.on('close', () => refuse('the sensor closed the connection'));
    socket.on('connect', () => socket.write(encodeFrame(code, 0, Buffer.from(content))));
    socket.on('data', (chunk) => {
      reader.push(chunk);
      const frame = reader.next();
      if (reader.error !== undefined) refuse(reader.error);
      if (frame === undefined) return;
      if (frame.code !== (code | CODE_REPLY) >>> 0) return refuse('a reply to something else');
      done({ result: frame.param1, content: frame.content.toString() });
      socket.destroy();
    });
  });
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no sensor listens there (start it with --socket)'],
  ['ECONNREFUSED', 'no sensor listens there any more'],
  ['EACCES', 'only the user the sensor runs as may speak to it'],
]);
