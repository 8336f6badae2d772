import { request } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

let server: TestApiServer;
beforeAll(async () => {
  server = await startTestApiServer({ socket: true });
});
afterAll(() => server.stop());

function send(method: string, path: string, contentType: string, body: string) {
  const { pki, listening } = server;
  return new Promise<{ readonly code: number; readonly message: string; readonly warnings: readonly string[] }>(
    (resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: listening?.port,
          method,
          path,
          headers: { 'content-type': contentType },
          ca: pki?.ca,
          cert: pki?.admin.certificate,
          key: pki?.admin.key,
          agent: false,
        },
        async (answer) => {
          let text = '';
          for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
          const message = String(JSON.parse(text).message);
          resolve({ code: answer.statusCode ?? 0, message, warnings: [answer.headers.warning ?? []].flat() });
        },
      );
      sent.once('error', reject);
      sent.end(body);
    },
  );
}

const configMaps = '/api/v1/namespaces/default/configmaps';
const strictly = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ';

// What is expected here is what Kubernetes 1.35 answered to the same requests.
it('tells unknown fields and duplicates together, as they stand in JSON', async () => {
  const body =
    '{"apiVersion":"v1","kind":"ConfigMap","zed":1,"metadata":{"name":"a","foo":1},"data":{"a":"1"},"data":{"a":"2","a":"3"},"dat":{},"dat":{}}';
  expect(await send('POST', `${configMaps}?fieldValidation=Strict`, 'application/json', body)).toMatchObject({
    code: 400,
    message: `${strictly}unknown field "zed", unknown field "metadata.foo", duplicate field "data", duplicate field "data.a", unknown field "dat"`,
  });
  const warned = await send('POST', `${configMaps}?dryRun=All`, 'application/json', body);
  expect(warned.code).toBe(201);
  expect(warned.warnings.join()).toBe(
    ['unknown field "zed"', 'unknown field "metadata.foo"', 'duplicate field "data"', 'duplicate field "data.a"']
      .concat('unknown field "dat"')
      .map((each) => `299 - "${each.replaceAll('"', '\\"')}"`)
      .join(', '),
  );
  expect(
    (await send('POST', `${configMaps}?dryRun=All&fieldValidation=Ignore`, 'application/json', body)).warnings,
  ).toEqual([]);
});

it('tells the duplicates of YAML by line, before unknown fields by name', async () => {
  const body =
    'apiVersion: v1\nkind: ConfigMap\nzed: 1\nmetadata:\n  name: a\n  foo: 1\ndata:\n  a: "1"\n  a: "2"\ndat: {}\ndat: {}';
  expect(await send('POST', `${configMaps}?fieldValidation=Strict`, 'application/yaml', body)).toMatchObject({
    code: 400,
    message: `${strictly}yaml: unmarshal errors:\n  line 9: key "a" already set in map\n  line 11: key "dat" already set in map, unknown field "dat", unknown field "metadata.foo", unknown field "zed"`,
  });
  expect((await send('POST', `${configMaps}?dryRun=All`, 'application/yaml', body)).warnings.join()).toBe(
    ['line 9: key "a" already set in map', 'line 11: key "dat" already set in map']
      .concat('unknown field "dat"', 'unknown field "metadata.foo"', 'unknown field "zed"')
      .map((each) => `299 - "${each.replaceAll('"', '\\"')}"`)
      .join(', '),
  );
});

it('tells what is wrong with a patch, then with its outcome', async () => {
  const object = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"base"}}';
  await send('POST', configMaps, 'application/json', object);
  const patch = (type: string, body: string) =>
    send('PATCH', `${configMaps}/base?fieldValidation=Strict`, `application/${type}`, body);
  const merge = await patch('merge-patch+json', '{"zed":1,"data":{"a":"1"},"data":{"a":"2"},"bar":2}');
  expect(merge.code).toBe(422);
  expect(merge.message).toMatch(
    /strict decoding error: duplicate field "data", unknown field "bar", unknown field "zed"$/,
  );
  const operations = await patch(
    'json-patch+json',
    '[{"op":"add","path":"/zed","value":1,"op":"add"},{"op":"add","path":"/bar","value":{"a":1,"a":2},"x":1}]',
  );
  expect(operations.code).toBe(422);
  expect(operations.message).toMatch(
    /strict decoding error: json patch duplicate field "\[0\]\.op", json patch duplicate field "\[1\]\.value\.a", json patch unknown field "\[1\]\.x", unknown field "bar", unknown field "zed"$/,
  );
});
