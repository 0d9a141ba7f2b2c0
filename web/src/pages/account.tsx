/** One's own password, second factor, where one is signed in, and the queries one asked. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AskedQueries } from '#src/console/api/history.js';
import type { SignIns, TotpSecret } from '#src/console/api/session.js';
import { useAnswer } from '../base/answer.ts';
import { send } from '../base/api.ts';
import { formatMoment } from '../base/format.ts';
import { forgetAllQueries, forgetQuery } from '../base/history.ts';
import { zone } from '../base/scope.ts';
import { loadSession, session } from '../base/session.ts';
import { linkTo } from '../base/url.ts';
import { CodeField, Field, useSending } from '../ui/form.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { Answered, ProblemNote } from '../ui/states.tsx';
import { NewPasswordFields, passwordFault } from './new-password.tsx';

export default function Account(): JSX.Element {
  return (
    <div class="columns halves reading-width">
      <PasswordPanel />
      {session.value?.person?.totp === true ? <RemoveFactorPanel /> : <AddFactorPanel />}
      <SignInsPanel />
      <HistoryPanel />
    </div>
  );
}

function PasswordPanel(): JSX.Element {
  const [old, setOld] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [done, setDone] = useState(false);
  const sending = useSending();
  const fault = passwordFault(password, again, session.value?.person?.name);
  return (
    <section class="panel">
      <h2>Password</h2>
      <form
        class="stack tight"
        onSubmit={(event) => {
          event.preventDefault();
          void sending.run(() => send('POST', '/password', { old, new: password })).then(setDone);
        }}
      >
        <Field text="Present password" secret value={old} onText={setOld} autocomplete="current-password" required />
        <NewPasswordFields
          password={password}
          again={again}
          onPassword={setPassword}
          onAgain={setAgain}
          fault={fault}
        />
        {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
        <button type="submit" class="button main" disabled={sending.busy || fault !== undefined}>
          Change the password
        </button>
        <p role="status">{done ? 'Changed. Other sign-ins of yours have ended.' : ''}</p>
      </form>
    </section>
  );
}

function AddFactorPanel(): JSX.Element {
  const [password, setPassword] = useState('');
  const [secret, setSecret] = useState<TotpSecret | undefined>(undefined);
  const [code, setCode] = useState('');
  const sending = useSending();
  const enrol = async (): Promise<void> => {
    await sending.run(async () => setSecret(await send<TotpSecret>('POST', '/totp/enrol', { password })));
  };
  const confirm = async (): Promise<void> => {
    await sending.run(async () => {
      await send('POST', '/totp/confirm', { code });
      await loadSession();
    });
  };
  return (
    <section class="panel">
      <h2>Second factor</h2>
      <form
        class="stack tight"
        onSubmit={(event) => {
          event.preventDefault();
          void (secret === undefined ? enrol() : confirm());
        }}
      >
        {secret === undefined ? (
          <>
            <p class="muted">A code from an authenticator app, asked for at sign-in and before what matters most.</p>
            <Field
              text="Password"
              secret
              value={password}
              onText={setPassword}
              autocomplete="current-password"
              required
            />
          </>
        ) : (
          <>
            <p>Scan this with the authenticator app, then type the code it shows.</p>
            <QrCode text={secret.uri} label="Secret of the second factor as a QR code" />
            <p class="small">
              Or type the secret: <code>{secret.secret}</code>
            </p>
            <CodeField value={code} onText={setCode} autofocus />
          </>
        )}
        {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
        <button type="submit" class="button main" disabled={sending.busy}>
          {secret === undefined ? 'Set up a second factor' : 'Confirm'}
        </button>
      </form>
    </section>
  );
}

function RemoveFactorPanel(): JSX.Element {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const sending = useSending();
  return (
    <section class="panel">
      <h2>Second factor</h2>
      <form
        class="stack tight"
        onSubmit={(event) => {
          event.preventDefault();
          void sending.run(async () => {
            await send('POST', '/totp/remove', { password, code });
            await loadSession();
          });
        }}
      >
        <p class="muted">Set up. Removing it takes the password and a code.</p>
        <Field text="Password" secret value={password} onText={setPassword} autocomplete="current-password" required />
        <CodeField value={code} onText={setCode} />
        {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
        <button type="submit" class="button" disabled={sending.busy}>
          Remove
        </button>
      </form>
    </section>
  );
}

function SignInsPanel(): JSX.Element {
  const answer = useAnswer<SignIns>('/session/sign-ins');
  const sending = useSending();
  return (
    <section class="panel">
      <h2>Signed in</h2>
      <Answered answer={answer} lines={2}>
        {(data) => (
          <ul class="plain-list">
            {data.signIns.map((one) => (
              <li key={one.id} class="split">
                <span>
                  {one.agent === '' ? 'unknown browser' : one.agent}
                  <span class="small muted">
                    {' '}
                    {one.address}, since {formatMoment(Date.parse(one.since), zone(), 'minute')}
                  </span>
                </span>
                {one.current ? (
                  <span class="tag">this one</span>
                ) : (
                  <button
                    type="button"
                    class="button plain"
                    onClick={() =>
                      void sending.run(() => send('DELETE', `/session/sign-ins/${one.id}`)).then(answer.reload)
                    }
                  >
                    End
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Answered>
    </section>
  );
}

/** What the query field offers again; it is nobody else's. */
function HistoryPanel(): JSX.Element {
  const answer = useAnswer<AskedQueries>('/history');
  const sending = useSending();
  return (
    <section class="panel">
      <h2>Queries you asked</h2>
      <Answered answer={answer} lines={2}>
        {({ queries }) =>
          queries.length === 0 ? (
            <p class="muted">None are kept. The query field offers again what you asked there.</p>
          ) : (
            <>
              <ul class="plain-list own-queries">
                {queries.map(({ of, q, askedAt }) => (
                  <li key={`${of} ${q}`} class="split">
                    <a href={of === 'records' ? linkTo('/search', { q }) : linkTo('/people', { tab: 'trail', q })}>
                      <code>{q}</code>
                    </a>
                    <span class="line">
                      <span class="small muted">{formatMoment(Date.parse(askedAt), zone(), 'minute')}</span>
                      <button
                        type="button"
                        class="button plain"
                        aria-label={`Forget ${q}`}
                        onClick={() => void sending.run(() => forgetQuery(of, q)).then(answer.reload)}
                      >
                        Forget
                      </button>
                    </span>
                  </li>
                ))}
              </ul>
              <button
                type="button"
                class="button"
                onClick={() => void sending.run(forgetAllQueries).then(answer.reload)}
              >
                Forget all
              </button>
            </>
          )
        }
      </Answered>
      {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
    </section>
  );
}
