/**
 * Alarms as HTTP POST requests with a JSON body. With a secret each carries `X-Wiretrail-Signature: t=<seconds>,v1=<hex>`:
 * HMAC-SHA-256 (RFC 2104) of `<seconds>.<body>`, so that the receiver knows the sender, and an old request for an old one.
 */
import { createHmac } from 'node:crypto';
import { type Alarm, alarmLine } from './alarm.ts';
import type { AlarmTransport } from './outlet.ts';

const BODY_BYTES_MAX = 256 * 1024;
const TIMEOUT_MS = 9000;

export interface WebhookOptions {
  readonly url: URL;
  readonly secret: Buffer | undefined;
  readonly version: string;
}

export function signature(secret: Uint8Array, seconds: number, body: string): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

export function webhookTransport({ url, secret, version }: WebhookOptions): AlarmTransport {
  const ending = new AbortController();
  return {
    // The path of a hook is often its password.
    name: url.origin,
    async send(alarm: Alarm): Promise<void> {
      const body = alarmLine(alarm, BODY_BYTES_MAX);
      const headers: Record<string, string> = {
        'content-type': 'application/json',
        'user-agent': `wiretrail/${version}`,
        // The same for every attempt, so that a receiver can tell a repetition.
        'x-wiretrail-delivery': `${String(alarm.record['audit.id'] ?? '')}:${alarm.rule}`,
      };
      if (secret !== undefined)
        headers['x-wiretrail-signature'] = signature(secret, Math.floor(Date.now() / 1000), body);
      const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const response = await fetch(url, { method: 'POST', body, headers, signal, redirect: 'error' });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`${url.origin}: status ${response.status}`);
    },
    close: () => ending.abort(),
  };
}
