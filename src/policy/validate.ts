/** Says what is wrong with policy texts, without throwing: what an editor shows while somebody types. */
import { parsePolicies, shortVersion } from './policy.ts';
import { PolicyError, type PolicyProblem, type PolicySource } from './source.ts';

export interface PolicyCheck {
  /** Each with file, line and column, from 1; empty for a policy that can be put in force. */
  readonly problems: readonly PolicyProblem[];
  /** Of a policy without problems, as records would carry it. */
  readonly version: string | undefined;
  readonly rules: number;
}

/** Checks the texts together, those with `enabled: false` too. Never throws on texts. */
export function checkPolicies(sources: readonly PolicySource[]): PolicyCheck {
  try {
    const policy = parsePolicies(sources);
    return { problems: [], version: shortVersion(policy), rules: policy.rules.length };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return { problems: error.problems, version: undefined, rules: 0 };
  }
}
