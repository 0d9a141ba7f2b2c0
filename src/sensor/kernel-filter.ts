/** The program that keeps out of the process what the policy has no use for (`--kernel-filter`). */
import { kernelFilter, type ServerRange } from '../capture/live/kernel-filter.ts';
import type { Policy } from '../policy/policy.ts';
import { type ServerSet, serversOf } from '../policy/servers.ts';

const ADDRESS_MAX = (1n << 128n) - 1n;
const PORT_MAX = 65_535;
const EVERYTHING: Uint8Array = new Uint8Array(0);

/** For `RingSource.setFilter`: empty, which lets everything in, when the policy may keep records of any server. */
export function policyFilter(policy: Policy): Uint8Array {
  const servers = serversOf(policy)?.flatMap(rangesOf);
  return (servers && kernelFilter(servers)) ?? EVERYTHING;
}

function rangesOf({ addresses, ports }: ServerSet): ServerRange[] {
  return (addresses ?? [{ first: 0n, last: ADDRESS_MAX }]).flatMap((address) =>
    (ports ?? [{ first: 0, last: PORT_MAX }]).map((port) => ({
      firstAddress: address.first,
      lastAddress: address.last,
      firstPort: port.first,
      lastPort: port.last,
    })),
  );
}
