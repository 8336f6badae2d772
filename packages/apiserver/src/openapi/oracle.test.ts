import { beforeAll, describe, expect, it } from 'vitest';
import { builtinKinds } from '../registry/builtin-kinds.ts';
import { KindCatalog } from '../registry/catalog.ts';
import { servedVersions } from '../registry/runtime-config.ts';
import { type AskOracle, differences, isJson, type Json, oracle } from '../schema/oracle.test-data.ts';
import { OpenApi } from './open-api.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

/** Sentences are not ours to repeat, and an order of keys means nothing. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isJson(value)) return value;
  const entries = Object.entries(value).filter(([key, each]) => key !== 'description' || typeof each !== 'string');
  return Object.fromEntries(
    entries.map(([key, each]) => [key, plain(each)]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}

/** Custom resources of others who use the same control plane. */
const builtinPath = (path: string) => !/^\/?apis\/(?!.*k8s\.io|apps|autoscaling|batch|policy)[^/]/.test(path);

/** The oracle serves all versions: `--runtime-config=api/all=true`. */
describe.runIf(kubeconfig)('OpenAPI beside a real control plane', () => {
  const catalog = new KindCatalog(builtinKinds([], servedVersions({ 'api/all': true })));
  const ours = new OpenApi(catalog);
  let ask: AskOracle;
  beforeAll(async () => {
    ask = await oracle(kubeconfig);
  });
  const theirJson = async (path: string): Promise<Json> => {
    const value: unknown = JSON.parse((await ask('GET', path)).text);
    return isJson(value) ? value : {};
  };
  const ourJson = async (path: string): Promise<Json> => {
    const reply = await ours.answer(path, new URLSearchParams(), undefined, undefined);
    const value: unknown = JSON.parse(String('pieces' in reply ? Buffer.concat(reply.pieces) : reply.body));
    return isJson(value) ? value : {};
  };

  it('has the same index and documents of version 3', async () => {
    const index = await theirJson('/openapi/v3');
    const places = Object.keys(isJson(index['paths']) ? index['paths'] : {}).filter(builtinPath);
    const { paths: own } = await ourJson('/openapi/v3');
    expect(Object.keys(isJson(own) ? own : {}).sort()).toEqual(places.sort());
    const found: string[] = [];
    for (const place of places) {
      const path = `/openapi/v3/${place}`;
      found.push(...differences(plain(await ourJson(path)), plain(await theirJson(path)), place));
    }
    expect(found).toEqual([]);
  }, 60_000);

  it('has the same document of version 2', async () => {
    const two = await theirJson('/openapi/v2');
    const own = await ourJson('/openapi/v2');
    const only = (object: unknown, keep: (key: string) => boolean) =>
      isJson(object) ? Object.fromEntries(Object.entries(object).filter(([key]) => keep(key))) : {};
    const builtin = {
      ...two,
      paths: only(two['paths'], builtinPath),
      definitions: only(two['definitions'], (name) => name.startsWith('io.k8s.')),
    };
    expect(differences(plain(own), plain(builtin))).toEqual([]);
  }, 60_000);
});
