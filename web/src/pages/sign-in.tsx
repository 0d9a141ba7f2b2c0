/** Signing in: name and password, then the code when the person has a second factor. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiProblem, send } from '../base/api.ts';
import { loadSession } from '../base/session.ts';
import { CodeField, Field, useSending } from '../ui/form.tsx';
import { ProblemNote } from '../ui/states.tsx';
import { Door } from './door.tsx';

export default function SignIn(): JSX.Element {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [codeNeeded, setCodeNeeded] = useState(false);
  const sending = useSending();
  const signIn = async (): Promise<void> => {
    const done = await sending.run(async () => {
      try {
        await send('POST', '/login', { name, password, ...(code === '' ? {} : { code }) });
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.code !== 'code-needed') throw error;
        setCodeNeeded(true);
        return;
      }
      await loadSession();
    });
    if (!done) setCode('');
  };
  return (
    <Door title="Sign in">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <Field text="Name" value={name} onText={setName} autocomplete="username" required autofocus />
        <Field text="Password" secret value={password} onText={setPassword} autocomplete="current-password" required />
        {codeNeeded && <CodeField value={code} onText={setCode} autofocus />}
        {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
        <button type="submit" class="button main big" disabled={sending.busy}>
          Sign in
        </button>
      </form>
    </Door>
  );
}
