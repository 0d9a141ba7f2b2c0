/** Two versions side by side as changed lines: removed with −, added with +, and underlined, never by colour alone. */
import type { JSX } from 'preact';
import type { Policies, PolicyDiff } from '#src/console/api/policies.js';
import { useAnswer } from '../../base/answer.ts';
import { formatMoment } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { place, setParams } from '../../base/url.ts';
import { Choice } from '../../ui/form.tsx';
import { Answered } from '../../ui/states.tsx';

export function PolicyDiffView({ data, subject }: { readonly data: Policies; readonly subject: string }): JSX.Element {
  const others = [
    ...data.versions.map((one) => ({
      value: one.version,
      text: `${one.version}, ${formatMoment(Date.parse(one.savedAt), zone(), 'minute')}`,
    })),
    ...data.drafts.map((one) => ({ value: `draft:${one.name}`, text: `draft ${one.name}` })),
  ].filter((one) => one.value !== subject);
  const wanted = place.value.params.get('from');
  const from = others.find((one) => one.value === wanted)?.value ?? others[0]?.value;
  const answer = useAnswer<PolicyDiff>(from === undefined ? undefined : '/policies/diff', { from, to: subject });
  if (from === undefined) return <p class="muted">There is only one version so far.</p>;
  return (
    <div class="stack">
      <Choice text="Compared with" value={from} options={others} onChoose={(value) => setParams({ from: value })} />
      <Answered answer={answer}>{(diff) => <Changes diff={diff} />}</Answered>
    </div>
  );
}

function Changes({ diff }: { readonly diff: PolicyDiff }): JSX.Element {
  const changed = diff.files.filter((file) => file.change !== 'same');
  return (
    <div class="stack">
      <p>
        {diff.rulesAdded.length > 0 && `Rules added: ${diff.rulesAdded.join(', ')}. `}
        {diff.rulesRemoved.length > 0 && `Rules removed: ${diff.rulesRemoved.join(', ')}. `}
        {changed.length === 0 && 'The two are the same.'}
      </p>
      {changed.map((file) => (
        <section key={file.name}>
          <h3>
            {file.name} <span class="tag">{file.change}</span>
          </h3>
          <pre class="sql diff" tabIndex={0}>
            {file.hunks.map((hunk) => (
              <span key={`${hunk.fromLine} ${hunk.toLine}`}>
                <span class="muted">{`@ line ${hunk.toLine}\n`}</span>
                {hunk.lines.map((line, index) => (
                  <span key={index} class={line.sign === '+' ? 'added' : line.sign === '-' ? 'removed' : ''}>
                    {`${line.sign === '-' ? '−' : line.sign} ${line.text}\n`}
                  </span>
                ))}
              </span>
            ))}
          </pre>
        </section>
      ))}
    </div>
  );
}
