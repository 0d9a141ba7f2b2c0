/** Why the rules on a record matched, by the very policy that judged it (`sensor/explainer.ts`). */
import type { AuditRecord } from '../../contracts/record.ts';
import type { ExplainedMatch, Sentence } from '../../policy/sentences.ts';
import type { Match } from '../api/records.ts';
import type { Sight } from './row.ts';
import type { Source } from './source.ts';

const NO_REASON =
  'the policy that judged this record was not kept, or the condition looked at what was masked before it was stored';

export function explainMatches(source: Source, record: AuditRecord, sight: Sight): Match[] {
  const explained = source.explainer.explain(record);
  return (record.policy ?? []).map(({ rule, severity, action }) => {
    const own = explained.find((one) => one.rule === rule);
    const because = (own?.sentences ?? []).map((sentence) => becauseOf(sentence, sight));
    const note = because.length > 0 ? {} : { note: NO_REASON };
    return { rule, severity, action, ...factsOf(own), because, ...note };
  });
}

function factsOf(explained: ExplainedMatch | undefined): Pick<Match, 'title' | 'reason' | 'references'> {
  if (explained === undefined) return { references: [] };
  const { title, reason, references } = explained;
  return { title, reason, references: [...references] };
}

/** Sentences quote what was found, which may be a literal. */
function becauseOf({ text, start, end, line, column }: Sentence, sight: Sight): Match['because'][number] {
  if (!sight.literals) {
    const sentence = `the condition at line ${line}, column ${column} held; what it found is not shown to your role`;
    return { sentence, line, column };
  }
  return { sentence: text, line, column, ...(start === undefined || end === undefined ? {} : { start, end }) };
}
