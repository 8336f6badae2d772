import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { TestRequest, TestRequests } from '../../server/test-requests.ts';

const line = z.object({ method: z.string(), path: z.string(), type: z.string().optional(), body: z.unknown() });

const namespaces = '/api/v1/namespaces';

/** What a controller manager makes in every namespace. */
const everyNamespace: readonly TestRequest[] = [
  { method: 'POST', path: `${namespaces}/pse/serviceaccounts`, body: { metadata: { name: 'default' } } },
  { method: 'POST', path: `${namespaces}/pse/configmaps`, body: { metadata: { name: 'kube-root-ca.crt' } } },
  { method: 'POST', path: namespaces, body: { metadata: { name: 'kube-node-lease' } } },
];

/** Makes the nodes, pods and what they refer to that the recorded answers of a real v1.35 are about. */
export async function makeNodeFixture(requests: TestRequests): Promise<void> {
  const recorded = readLines(new URL('./recorded-fixture.jsonl', import.meta.url), line);
  const [first, ...rest] = recorded;
  for (const each of [...(first ? [first] : []), ...everyNamespace, ...rest]) {
    const { code, message } = await requests.send({
      ...each,
      ...(each.type === undefined && { type: 'application/json' }),
    });
    if (code >= 300 && code !== 409) throw new Error(`${each.method} ${each.path}: ${code} ${message}`);
  }
}

/** The values of a file with JSON in each line. */
export function readLines<T>(file: URL, schema: z.ZodType<T>): readonly T[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => schema.parse(JSON.parse(text)));
}
