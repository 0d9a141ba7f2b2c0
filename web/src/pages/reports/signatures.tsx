/** Who signed a report or sent it back, and the dialog in which one does. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ReportRun, Signature } from '#src/console/api/reports.js';
import { send } from '../../base/api.ts';
import { formatMoment } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { may } from '../../base/session.ts';
import { segment } from '../../base/url.ts';
import { ActionForm } from '../../ui/action-form.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Choice, Field } from '../../ui/form.tsx';

export function Signatures(props: { readonly run: ReportRun; readonly onSigned: () => void }): JSX.Element {
  const { run } = props;
  return (
    <>
      {run.signatures.map((one) => (
        <div key={`${one.who} ${one.time}`} title={one.comment}>
          <span class={one.verdict === 'signed' ? '' : 'bad'}>{one.verdict}</span> by {one.who}{' '}
          <span class="small muted">{formatMoment(Date.parse(one.time), zone(), 'minute')}</span>
          {one.comment !== '' && <div class="small">{one.comment}</div>}
        </div>
      ))}
      {run.receivers
        .filter(({ doneAt }) => doneAt === undefined)
        .map(({ who, must }) => (
          <div key={who} class="small muted">
            {who} has to {must}
          </div>
        ))}
      {run.state === 'done' && may('auditor') && <SignButton run={run} onSigned={props.onSigned} />}
    </>
  );
}

/** Opens the dialog in which one signs. */
export function SignButton(props: { readonly run: ReportRun; readonly onSigned: () => void }): JSX.Element {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button type="button" class="button plain" onClick={() => setAsking(true)}>
        Sign
      </button>
      {asking && <SignDialog run={props.run} onClose={() => setAsking(false)} onSigned={props.onSigned} />}
    </>
  );
}

const VERDICTS: readonly { readonly value: Signature['verdict']; readonly text: string }[] = [
  { value: 'signed', text: 'I have read it and sign it' },
  { value: 'sent back', text: 'I send it back' },
];

function SignDialog(props: {
  readonly run: ReportRun;
  readonly onClose: () => void;
  readonly onSigned: () => void;
}): JSX.Element {
  const { run } = props;
  const [verdict, setVerdict] = useState<Signature['verdict']>('signed');
  const [comment, setComment] = useState('');
  const done = (): void => {
    props.onSigned();
    props.onClose();
  };
  return (
    <Dialog title={`Sign: ${run.title}`} onClose={props.onClose}>
      <ActionForm
        action={verdict === 'signed' ? 'Sign it' : 'Send it back'}
        send={(code) => send('POST', `/reports/${segment(run.id)}/sign`, { verdict, comment, ...code })}
        onDone={done}
        onCancel={props.onClose}
      >
        <p>
          The files with these hashes are meant: PDF <code>{run.pdfSha256?.slice(0, 16)}…</code>. Your name stays under
          the report.
        </p>
        <Choice text="What you say" value={verdict} options={VERDICTS} onChoose={setVerdict} />
        <Field text="Comment" value={comment} onText={setComment} maxLength={2000} required={verdict === 'sent back'} />
      </ActionForm>
    </Dialog>
  );
}
