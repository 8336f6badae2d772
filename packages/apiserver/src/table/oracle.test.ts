import { request } from 'node:https';
import { type KubernetesObject, systemClock } from '@keelson/core';
import { loadKubeconfig } from '@keelson/core/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtinKinds } from '../registry/builtin-kinds.ts';
import { corpus } from '../registry/oracle-corpus.test-data.ts';
import { stated } from './oracle.test-data.ts';
import { TablePrinter } from './table-printer.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly type: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: KubernetesObject }[] | null;
}

const kinds = builtinKinds([], () => true).map(({ served }) => served);
const placeOf = (group: string, version: string) => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`);

describe.runIf(kubeconfig)('beside a real control plane', () => {
  let ask: (method: string, path: string, body?: unknown) => Promise<string>;
  const printer = new TablePrinter(systemClock);
  const namespace = 'keelson-tables';

  beforeAll(async () => {
    const { server, ca, cert, key } = await loadKubeconfig(kubeconfig);
    ask = (method, path, body) =>
      new Promise((resolve, reject) => {
        const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
        const headers = { accept, 'content-type': contentType, 'user-agent': 'twin/1' };
        const sent = request(new URL(path, server), { method, ca, cert, key, headers, agent: false }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        });
        sent.on('error', reject);
        sent.end(body === undefined ? undefined : JSON.stringify(body));
      });
    await ask('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    await ask('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } });
  });

  afterAll(async () => {
    await ask?.('DELETE', `/api/v1/namespaces/${namespace}`);
  });

  /** A row of theirs beside ours of the very object; an age may have grown meanwhile. */
  function compare(table: Table, kind: (typeof kinds)[number]): void {
    expect(table.columnDefinitions, JSON.stringify(table).slice(0, 500)).toBeDefined();
    expect(printer.columns(kind).map(({ name, type, priority }) => ({ name, type, priority }))).toEqual(
      table.columnDefinitions.map(({ name, type, priority }) => ({ name, type, priority })),
    );
    const steady = (cells: readonly unknown[]) =>
      cells.map((cell) => (typeof cell === 'string' ? cell.replaceAll(/\b\d+[yhdms](?:\d+[hdms])?\b/g, 'age') : cell));
    const objects = (table.rows ?? []).map(({ object }) => object);
    expect(table.rows === null).toBe(objects.length === 0 && printer.sparse(kind));
    const ours = printer.rows(kind, objects);
    expect(ours.map(({ cells }) => steady(cells))).toEqual((table.rows ?? []).map(({ cells }) => steady(cells)));
  }

  const listed = kinds.filter(({ verbs }) => verbs.includes('list'));

  it.each(
    listed.map((kind) => [`${kind.resource}.${kind.group}/${kind.version}`, kind] as const),
  )('%s that are there', async (_title, kind) => {
    const path = `${placeOf(kind.group, kind.version)}/${kind.resource}?includeObject=Object`;
    compare(JSON.parse(await ask('GET', path)), kind);
  });

  it.each(
    listed
      .filter(({ verbs }) => verbs.includes('watch'))
      .map((kind) => [`${kind.resource}.${kind.group}/${kind.version}`, kind] as const),
  )('a bookmark of %s', async (_title, kind) => {
    const query =
      'watch=1&allowWatchBookmarks=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1&fieldSelector=metadata.name=nope';
    const text = await ask(
      'GET',
      `${placeOf(kind.group, kind.version)}/${kind.resource}?includeObject=Object&${query}`,
    );
    const { type, object } = JSON.parse(text.split('\n')[0] ?? '{}');
    expect(type).toBe('BOOKMARK');
    compare(object, kind);
  });

  const kindAt = (path: string) =>
    kinds.find((each) => path.startsWith(placeOf(each.group, each.version)) && path.endsWith(`/${each.resource}`));

  it.each(
    corpus.map(([path, body]) => [`${body.kind} ${body.metadata.name}`, path, body] as const),
  )('%s', async (_title, path, body) => {
    const kind = kindAt(path);
    const table = JSON.parse(await ask('POST', `${path}?dryRun=All&includeObject=Object`, body));
    if (kind && table.kind === 'Table') compare(table, kind);
  });

  it.each(stated.map((each, index) => [`${each.path} ${index}`, each] as const))('the states of %s', async (_title, {
    path,
    body,
    statuses,
  }) => {
    const place = path.replace('{ns}', namespace);
    const kind = kindAt(place);
    if (!kind) throw new Error(`there is no ${place}`);
    const made = JSON.parse(await ask('POST', `${place}?includeObject=Object`, body));
    compare(made, kind);
    const { object } = (made as Table).rows?.[0] ?? {};
    for (const status of statuses) {
      const put = `${place}/${object?.metadata.name}/status?dryRun=All&includeObject=Object`;
      compare(JSON.parse(await ask('PATCH', put, { status })), kind);
    }
    await ask('DELETE', `${place}/${object?.metadata.name}`, { gracePeriodSeconds: 0 });
  });
});
