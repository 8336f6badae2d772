import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildNodeImage } from '@keelson/cri-runtimes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci, haveContainerd, haveKubectl } from './cluster-process.ts';

/** Asks the API as every client in a pod does: address, authority and token as the pod is given them. */
const asking = `
const { readFileSync } = require('node:fs');
const { get } = require('node:https');
const secrets = '/var/run/secrets/kubernetes.io/serviceaccount';
const ca = readFileSync(secrets + '/ca.crt');
const authorization = 'Bearer ' + readFileSync(secrets + '/token', 'utf8');
const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
const namespace = readFileSync(secrets + '/namespace', 'utf8');
const ask = (path) => new Promise((resolve, reject) => {
  get({ host, port, path, ca, headers: { authorization }, agent: false }, (response) => {
    let body = '';
    response.on('data', (chunk) => { body += chunk; });
    response.on('end', () => resolve({ code: response.statusCode, body: JSON.parse(body) }));
  }).on('error', reject);
});
(async () => {
  const version = await ask('/version');
  const refused = await ask('/api/v1/namespaces/' + namespace + '/secrets');
  console.log(JSON.stringify({ at: host + ':' + port, version, refused }));
})();
`;

describe.skipIf((!haveKubectl || !haveContainerd) && !ci)('a client in a pod', () => {
  let cluster: ClusterProcess;
  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'kl-'));
    const images = join(dir, 'data', 'images');
    await mkdir(images, { recursive: true });
    await buildNodeImage({
      reference: 'asking',
      file: join(images, 'asking.tar'),
      files: [{ path: 'app/main.js', content: asking }],
      config: { cmd: ['/app/main.js'] },
    });
    cluster = await ClusterProcess.start({ dir, args: ['--runtime', 'remote'] });
  }, 120_000);
  afterAll(() => cluster?.remove(), 60_000);

  it('reaches the API at the cluster IP of the Service kubernetes, as its ServiceAccount', async () => {
    await cluster.kubectl('run asking --image=asking --image-pull-policy=Never --restart=Never');
    await cluster.kubectl('wait --for=jsonpath={.status.phase}=Succeeded pod/asking --timeout=60s');
    expect(JSON.parse(await cluster.kubectl('logs asking'))).toMatchObject({
      at: expect.stringMatching(/^10\.\d+\.0\.1:443$/),
      version: { code: 200, body: { gitVersion: expect.stringMatching(/^v1\./) } },
      refused: {
        code: 403,
        body: {
          message:
            'secrets is forbidden: User "system:serviceaccount:default:default" cannot list resource "secrets" in API group "" in the namespace "default"',
        },
      },
    });
  }, 120_000);
});
