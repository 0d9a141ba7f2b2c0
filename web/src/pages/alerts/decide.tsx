/** The decision on one or several groups: taken or closed, what it turned out to be, and why. The reason is required. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { AlertDecided, AlertState, Until } from '#src/console/api/alerts.js';
import { send } from '../../base/api.ts';
import { plural } from '../../base/format.ts';
import { useKeys } from '../../base/keys.ts';
import { useSending } from '../../ui/form.tsx';
import { ProblemNote } from '../../ui/states.tsx';
import { UntilFields } from './until.tsx';

type Verdict = 'expected' | 'problem' | 'noise';

const VERDICTS: readonly { readonly id: Verdict; readonly text: string; readonly key: string }[] = [
  { id: 'expected', text: 'Expected', key: 'e' },
  { id: 'problem', text: 'A problem', key: 'b' },
  { id: 'noise', text: 'Noise', key: 'i' },
];

export function Decide({
  ids,
  onDecided,
}: {
  readonly ids: readonly string[];
  readonly onDecided: () => void;
}): JSX.Element {
  const [verdict, setVerdict] = useState<Verdict | undefined>(undefined);
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState<Until | undefined | 'wrong'>(undefined);
  const [done, setDone] = useState<string | undefined>(undefined);
  const field = useRef<HTMLTextAreaElement>(null);
  const sending = useSending();
  const choose = (next: Verdict): void => {
    setVerdict(next);
    field.current?.focus();
  };
  useKeys(
    VERDICTS.map(({ id, text, key }) => ({ keys: key, label: `Decide: ${text.toLowerCase()}`, run: () => choose(id) })),
    [ids.join(' ')],
  );
  const decide = async (state: AlertState): Promise<void> => {
    await sending.run(async () => {
      const body = {
        ...{ ids, state, reason },
        ...(verdict === undefined ? {} : { verdict }),
        ...(state === 'closed' && until !== undefined ? { until } : {}),
      };
      const answer = await send<AlertDecided>('POST', '/alerts/decide', body);
      setDone(`${plural(answer.ids.length, 'alert')} ${state}.`);
      setReason('');
      setVerdict(undefined);
      onDecided();
    });
  };
  const short = reason.trim().length < 3;
  return (
    <form class="decide" onSubmit={(event) => event.preventDefault()}>
      <h3>{ids.length === 1 ? 'Decide' : `Decide on ${plural(ids.length, 'alert')}`}</h3>
      <div class="line" role="group" aria-label="What it turned out to be">
        {VERDICTS.map(({ id, text, key }) => (
          <button key={id} type="button" class="button" aria-pressed={verdict === id} onClick={() => choose(id)}>
            {text} <kbd>{key}</kbd>
          </button>
        ))}
      </div>
      <UntilFields key={done} onUntil={setUntil} />
      <label class="field">
        <span class="strong">Reason</span>
        <textarea
          ref={field}
          class="input"
          value={reason}
          maxLength={2000}
          placeholder="What you found out; it stays with the alert"
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
      <div class="line">
        <button
          type="button"
          class="button main"
          disabled={sending.busy || short || verdict === undefined || until === 'wrong'}
          onClick={() => void decide('closed')}
        >
          Close
        </button>
        <button
          type="button"
          class="button"
          disabled={sending.busy || short}
          onClick={() => void decide('acknowledged')}
        >
          Take it
        </button>
        <button type="button" class="button" disabled={sending.busy || short} onClick={() => void decide('open')}>
          Open again
        </button>
        <span role="status" class="small muted">
          {done ?? (short ? 'A reason is needed.' : verdict === undefined ? 'Closing needs one of the three.' : '')}
        </span>
      </div>
    </form>
  );
}
