/** Conditions on status records, in the query language that audit records are searched with. */
import { globMatches } from '../base/glob.ts';
import type { Comparison, Filter, Pattern } from '../query/filter.ts';
import { parseFilterOf } from '../query/language.ts';
import { addressTest, predicateOf } from '../query/match.ts';
import type { Vocabulary } from '../query/vocabulary.ts';
import type { UserOf } from './aggregate.ts';
import type { FlowEnd, FlowStatus } from './schema.ts';

const TEXTS = ['session', 'user', 'state', 'class', 'sensor', 'interface', 'tunnel'] as const;
const NUMBERS = [
  'port',
  'clientport',
  'packets',
  'bytes',
  'payload',
  'retransmitted',
  'duration',
  'rtt',
  'vlan',
] as const;
const ADDRESSES = ['client', 'server', 'host'] as const;
type FlowText = (typeof TEXTS)[number];
type FlowNumber = (typeof NUMBERS)[number];
type FlowAddress = (typeof ADDRESSES)[number];
type FlowFilter = Filter<FlowText, FlowNumber, FlowAddress>;

export const FLOW_VOCABULARY: Vocabulary<FlowText, FlowNumber, FlowAddress> = {
  texts: TEXTS,
  numbers: NUMBERS,
  addresses: ADDRESSES,
  specials: ['time', 'since', 'until'],
  aliases: { net: 'host', saddr: 'client', daddr: 'server', sport: 'clientport', dport: 'port', pkts: 'packets' },
};

export type StatusPredicate = (status: FlowStatus) => boolean;

/** Throws `QueryError`. */
export function statusPredicate(text: string, nowUs: number, userOf: UserOf): StatusPredicate {
  const filter = parseFilterOf(FLOW_VOCABULARY, text, nowUs);
  return filter === undefined ? () => true : predicateOf(filter, (one) => conditionTest(one, userOf));
}

function conditionTest(filter: FlowFilter, userOf: UserOf): StatusPredicate {
  switch (filter.kind) {
    case 'match':
      return textPredicate(filter.field, filter.patterns, userOf);
    case 'number':
      return numberPredicate(filter.field, filter.comparison, filter.value);
    case 'address':
      return endsPredicate(filter.field, filter.patterns);
    case 'time':
      return ({ startUs, endUs }) => filter.ranges.some(({ fromUs, toUs }) => startUs < toUs && endUs >= fromUs);
    default:
      return () => false;
  }
}

function textPredicate(field: FlowText, patterns: readonly Pattern[], userOf: UserOf): StatusPredicate {
  const textOf = (status: FlowStatus): string => (field === 'user' ? userOf(status.session) : status[field]);
  const wanted = patterns.map(({ text, wildcards }) => ({ text: text.toLowerCase(), wildcards }));
  return (status) => {
    const value = textOf(status).toLowerCase();
    return wanted.some(({ text, wildcards }) => (wildcards ? globMatches(value, text) : value === text));
  };
}

function numberPredicate(field: FlowNumber, comparison: Comparison, value: number): StatusPredicate {
  return (status) => {
    const found = numberOf(status, field);
    if (found === undefined) return false;
    switch (comparison) {
      case '<':
        return found < value;
      case '<=':
        return found <= value;
      case '>':
        return found > value;
      case '>=':
        return found >= value;
      default:
        return found === value;
    }
  };
}

function numberOf(status: FlowStatus, field: FlowNumber): number | undefined {
  const { client, server } = status;
  switch (field) {
    case 'port':
      return server.port;
    case 'clientport':
      return client.port;
    case 'duration':
      return status.endUs - status.startUs;
    case 'rtt':
      return status.synAckUs === undefined ? undefined : status.synAckUs + (status.ackDataUs ?? 0);
    case 'vlan':
      return status.vlanId;
    default:
      return client[field] + server[field];
  }
}

function endsPredicate(field: FlowAddress, patterns: readonly Pattern[]): StatusPredicate {
  const tests = patterns.map(addressTest);
  const matches = ({ address, port }: FlowEnd): boolean => tests.some((test) => test(address, port));
  if (field === 'host') return ({ client, server }) => matches(client) || matches(server);
  return (status) => matches(status[field]);
}
