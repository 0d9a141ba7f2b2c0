/** What a console or a command asks of a running sensor, through its control socket. */
import { UserError } from '../base/errors.ts';
import { requestControl } from '../control/client.ts';
import { CODE_PUSH, CODE_RELOAD, CODE_STATUS, RESULT_DONE } from '../control/frame.ts';
import type { PolicySource } from '../policy/files/source.ts';
import type { PolicyInForce } from './messages.ts';
import type { SensorStatus } from './steering.ts';

/** All three reject with a UserError when no sensor answers at `socket`, or when it refuses. */
export async function sensorStatus(socket: string): Promise<SensorStatus> {
  return JSON.parse(await asked(socket, CODE_STATUS, '')) as SensorStatus;
}

/** Puts the policy in force in the running sensor; a refused one changes nothing there. */
export async function pushPolicy(socket: string, sources: readonly PolicySource[]): Promise<PolicyInForce> {
  return JSON.parse(await asked(socket, CODE_PUSH, JSON.stringify({ sources }))) as PolicyInForce;
}

/** Has the sensor read the policy files again that it was started with. */
export async function reloadPolicy(socket: string): Promise<PolicyInForce> {
  return JSON.parse(await asked(socket, CODE_RELOAD, '')) as PolicyInForce;
}

async function asked(socket: string, code: number, content: string): Promise<string> {
  const reply = await requestControl(socket, code, content);
  if (reply.result === RESULT_DONE) return reply.content;
  const what = code === CODE_STATUS ? 'no status' : 'policy refused, the old one stays';
  throw new UserError(`${what}: ${reply.content}`);
}
