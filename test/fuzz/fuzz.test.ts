/** The fuzz campaign in short, and every input that once found something. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadProtocols } from '#src/protocols/registry.js';
import { randomFrom } from '../support/random.ts';
import { runCampaign, targetOver } from './campaign.ts';
import { corpus, execute } from './check.ts';
import { recordedConversations } from './conversations.ts';
import { mutate } from './mutate.ts';
import { packetCorpus, packetTarget } from './packets.ts';
import { SEGMENT_TARGET, segmentCorpus } from './segments.ts';

const SEED = 42;
const EXECUTIONS = 1_000;
const CONVERSATIONS = 20_000;

for (const module of await loadProtocols()) {
  const conversations = await recordedConversations(module);
  const options = conversations.length === 0 ? { skip: `no recorded scenario of ${module.name}` } : {};

  test(`fuzz: ${module.name}, ${EXECUTIONS} mutated conversations`, options, async () => {
    const result = await runCampaign(targetOver(module, conversations), SEED, (executions) => executions < EXECUTIONS);
    assert.deepEqual(
      result.findings.map(({ seed, error }) => `seed ${seed}: ${error.message}`),
      [],
    );
    assert.equal(result.executions, EXECUTIONS);
    assert.ok(result.events > EXECUTIONS, 'mutation leaves hardly anything that is understood');
  });

  test(`fuzz: ${module.name}, what a seed makes is the same every time`, options, () => {
    assert.deepEqual(mutate(conversations, randomFrom(SEED)), mutate(conversations, randomFrom(SEED)));
  });

  for (const [name, input] of corpus(module.name)) {
    test(`fuzz: ${name}`, () => {
      assert.ok(execute(module, input) >= 0);
    });
  }
}

test(`fuzz: packets, ${EXECUTIONS} mutated captures through the whole path`, async () => {
  const target = packetTarget(await loadProtocols());
  const result = await runCampaign(target, SEED, (executions) => executions < EXECUTIONS);
  assert.deepEqual(
    result.findings.map(({ seed, error }) => `seed ${seed}: ${error.message}`),
    [],
  );
  assert.ok(result.events > EXECUTIONS, 'mutation leaves hardly anything that is understood');
  for (const [name, packets] of packetCorpus()) assert.ok(target.execute(packets) >= 0, name);
});

test(`fuzz: segments, ${CONVERSATIONS} short conversations`, async () => {
  const result = await runCampaign(SEGMENT_TARGET, SEED, (executions) => executions < CONVERSATIONS);
  assert.deepEqual(
    result.findings.map(({ seed, error }) => `seed ${seed}: ${error.message}`),
    [],
  );
  assert.ok(result.events > CONVERSATIONS, 'hardly any segment is handed on');
  for (const [name, input] of segmentCorpus()) assert.ok(SEGMENT_TARGET.execute(input) >= 0, name);
});

test('fuzz: a parser that throws is found (the canary)', async () => {
  const module = (await loadProtocols()).find(({ name }) => name === 'mysql');
  assert.ok(module);
  const conversations = await recordedConversations(module);
  let frames = 0;
  const broken: typeof module = {
    ...module,
    onFrame(...given) {
      if (++frames === 500) throw new Error('canary');
      return module.onFrame(...given);
    },
  };
  const { findings } = await runCampaign(targetOver(broken, conversations), SEED, (executions) => executions < 200);
  assert.deepEqual(
    findings.map(({ error }) => error.message),
    ['canary'],
  );
});
