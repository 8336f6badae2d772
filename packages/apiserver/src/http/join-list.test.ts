import { describe, expect, it } from 'vitest';
import { encodeObject } from '../registry/stored-object.ts';
import { joinJson, joinProtobuf, type Pieces } from './join-list.ts';
import { decodeProtobuf } from './protobuf/decode-protobuf.ts';
import { messageBytes } from './protobuf/envelope.ts';

function answerOf(count: number) {
  const objects = Array.from({ length: count }, (_, index) => ({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: `c-${index}`, resourceVersion: String(index + 1) },
    data: { text: 'é'.repeat(index % 700) },
  }));
  const metadata = { resourceVersion: '9', remainingItemCount: 3 };
  return { apiVersion: 'v1', kind: 'ConfigMapList', metadata, items: objects.map((each) => encodeObject(each)) };
}

async function whole(body: Uint8Array | Pieces): Promise<{ readonly bytes: Buffer; readonly pieces: number }> {
  if (body instanceof Uint8Array) return { bytes: Buffer.from(body), pieces: 1 };
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  return { bytes: Buffer.concat(pieces), pieces: pieces.length };
}

describe.each([0, 1, 200, 201, 3000])('a list of %i', (count) => {
  const answer = answerOf(count);
  const items = answer.items.map(({ object: { kind: _kind, apiVersion: _version, ...rest } }) => rest);

  it('is one JSON text, its items without their type', async () => {
    const { bytes, pieces } = await whole(joinJson(answer, false));
    expect(JSON.parse(bytes.toString())).toEqual({ ...answer, items });
    expect(pieces > 1).toBe(count > 1000);
  });

  it('keeps the type of custom resources', async () => {
    const { bytes } = await whole(joinJson(answer, true));
    expect(JSON.parse(bytes.toString())).toEqual({ ...answer, items: answer.items.map(({ object }) => object) });
  });

  it('is one message', async () => {
    const { bytes, pieces } = await whole(await joinProtobuf(answer, answer.items, messageBytes));
    expect(decodeProtobuf(bytes)).toEqual({ ...answer, ...(count === 0 ? { items: undefined } : { items }) });
    expect(pieces > 1).toBe(count > 1000);
  });
});
