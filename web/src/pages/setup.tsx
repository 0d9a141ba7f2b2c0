/** The first administrator of a new console, and the one-time link of a person who was invited or reset. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { send } from '../base/api.ts';
import { loadSession, session } from '../base/session.ts';
import { go, place } from '../base/url.ts';
import { Field, useSending } from '../ui/form.tsx';
import { ProblemNote } from '../ui/states.tsx';
import { Door } from './door.tsx';
import { NewPasswordFields, passwordFault } from './new-password.tsx';

export default function Setup(): JSX.Element {
  const first = session.value?.setupNeeded === true;
  const [token, setToken] = useState(place.value.params.get('token') ?? location.hash.slice(1));
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const sending = useSending();
  const fault = passwordFault(password, again, name);
  const finish = async (): Promise<void> => {
    await sending.run(async () => {
      if (first) await send('POST', '/setup', { token, name, password });
      else await send('POST', '/invitation', { token, password });
      go('/', { replace: true });
      await loadSession();
    });
  };
  return (
    <Door title={first ? 'Create the administrator' : 'Choose a password'}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void finish();
        }}
      >
        {first && (
          <p class="muted">
            Nobody can sign in yet. The console printed a one-time link when it started; it proves that you run it.
          </p>
        )}
        <Field text="One-time code from the link" value={token} onText={setToken} autocomplete="off" required />
        {first && (
          <Field
            text="Name"
            value={name}
            onText={setName}
            autocomplete="username"
            pattern="[A-Za-z0-9._@\-]+"
            maxLength={64}
            required
            autofocus
          />
        )}
        <NewPasswordFields
          password={password}
          again={again}
          onPassword={setPassword}
          onAgain={setAgain}
          fault={fault}
        />
        {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
        <button type="submit" class="button main big" disabled={sending.busy || fault !== undefined}>
          {first ? 'Create and sign in' : 'Set and sign in'}
        </button>
      </form>
    </Door>
  );
}
