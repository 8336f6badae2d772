import { beforeAll, describe, expect, it } from 'vitest';
import { builtinKinds } from '../registry/builtin-kinds.ts';
import { KindCatalog } from '../registry/catalog.ts';
import { servedVersions } from '../registry/runtime-config.ts';
import { type AskOracle, differences, isJson, type Json, oracle } from '../schema/oracle.test-data.ts';
import { Discovery } from './discovery.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** The oracle serves all versions: `--runtime-config=api/all=true`. */
describe.runIf(kubeconfig)('discovery beside a real control plane', () => {
  const catalog = new KindCatalog(builtinKinds([], servedVersions({ 'api/all': true })));
  const ours = new Discovery(catalog);
  const groups = new Set(catalog.groups().map(({ group }) => group));
  let ask: AskOracle;
  beforeAll(async () => {
    ask = await oracle(kubeconfig);
  });

  const theirJson = async (path: string, accept: string): Promise<Json> => {
    const { text } = await ask('GET', path, undefined, { accept });
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : {};
  };
  const ourJson = (path: string, accept: string): unknown => {
    const found = ours.answer({ path, accept, ifNoneMatch: undefined, address: '127.0.0.1:16443' });
    if (!found) return undefined;
    return JSON.parse('reply' in found ? String(found.reply.body) : JSON.stringify(found.object));
  };
  /** Without the groups of others' CRDs. */
  const builtin = (list: unknown, nameOf: (each: Json) => unknown) =>
    Array.isArray(list) ? list.filter((each: unknown) => isJson(each) && groups.has(String(nameOf(each) ?? ''))) : list;

  it.each(['/api', '/apis'])('%s, aggregated', async (path) => {
    const theirs = await theirJson(path, aggregated);
    const items = builtin(theirs['items'], ({ metadata }) => isJson(metadata) && metadata['name']);
    expect(differences(ourJson(path, aggregated), { ...theirs, items })).toEqual([]);
  });

  it('/apis', async () => {
    const theirs = await theirJson('/apis', 'application/json');
    const list = builtin(theirs['groups'], ({ name }) => name);
    expect(differences(ourJson('/apis', 'application/json'), { ...theirs, groups: list })).toEqual([]);
  });

  const paths = catalog
    .groups()
    .flatMap(({ group, versions }) =>
      group === '' ? ['/api', '/api/v1'] : [`/apis/${group}`, ...versions.map((each) => `/apis/${group}/${each}`)],
    );
  it.each(paths)('%s', async (path) => {
    const theirs = await theirJson(path, 'application/json');
    const own = ourJson(path, 'application/json');
    const address = { serverAddressByClientCIDRs: undefined };
    const strip = (value: unknown) => (isJson(value) ? JSON.parse(JSON.stringify({ ...value, ...address })) : value);
    expect(differences(strip(own), strip(theirs))).toEqual([]);
  });
});
