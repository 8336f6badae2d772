// `node conformance/build.mjs [NAME…]`: builds the real programs from the modules that go.mod names, into the cache.
// Names: kube-apiserver, etcd, kubectl, ginkgo, e2e.test, kube-controller-manager, kube-scheduler, kubelet, kube-proxy,
// kwok, helm3, helm4, clientgo, operator, sdkbench, celask, and operators of others; without one, all. What is there in its version stays.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from './binaries.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const goMod = readFileSync(join(here, 'go.mod'), 'utf8');
const kubernetes = /k8s\.io\/kubernetes (v1\.(\d+)\.\d+)/.exec(goMod);
if (!kubernetes) fail('conformance/go.mod names no version of Kubernetes');
const version = 'k8s.io/component-base/version';
const stamped = `-s -w -X ${version}.gitVersion=${kubernetes[1]} -X ${version}.gitMajor=1 -X ${version}.gitMinor=${kubernetes[2]}`;

/** Package, link flags, the folder of its module when it is not this one, and whether it is a test binary; the slow one last. */
const programs = {
  etcd: { from: 'go.etcd.io/etcd/server/v3', flags: '-s -w' },
  'kube-apiserver': { from: 'k8s.io/kubernetes/cmd/kube-apiserver', flags: stamped },
  kubectl: { from: 'k8s.io/kubernetes/cmd/kubectl', flags: stamped },
  ginkgo: { from: 'github.com/onsi/ginkgo/v2/ginkgo', flags: '-s -w' },
  'kube-controller-manager': { from: 'k8s.io/kubernetes/cmd/kube-controller-manager', flags: stamped },
  'kube-scheduler': { from: 'k8s.io/kubernetes/cmd/kube-scheduler', flags: stamped },
  kubelet: { from: 'k8s.io/kubernetes/cmd/kubelet', flags: stamped },
  'kube-proxy': { from: 'k8s.io/kubernetes/cmd/kube-proxy', flags: stamped },
  kwok: { from: 'sigs.k8s.io/kwok/cmd/kwok', flags: '-s -w', module: 'modules/kwok' },
  helm3: { from: 'helm.sh/helm/v3/cmd/helm', flags: '-s -w', module: 'modules/helm3' },
  helm4: { from: 'helm.sh/helm/v4/cmd/helm', flags: '-s -w', module: 'modules/helm4' },
  clientgo: { from: './clientgo', flags: '-s -w', module: 'modules/clients' },
  operator: { from: './operator', flags: '-s -w', module: 'modules/clients' },
  sdkbench: { from: './bench', flags: '-s -w', module: 'modules/clients' },
  celask: { from: './cel', flags: '-s -w' },
  ...Object.fromEntries(
    ['controller', 'webhook', 'cainjector'].map((each) => [
      `cert-manager-${each}`,
      {
        from: `github.com/cert-manager/cert-manager/cmd/${each}`,
        flags: '-s -w',
        module: 'modules/cert-manager',
      },
    ]),
  ),
  'prometheus-operator': {
    from: 'github.com/prometheus-operator/prometheus-operator/cmd/operator',
    flags: '-s -w',
    module: 'modules/prometheus-operator',
  },
  'prometheus-admission': {
    from: 'github.com/prometheus-operator/prometheus-operator/cmd/admission-webhook',
    flags: '-s -w',
    module: 'modules/prometheus-operator',
  },
  ...Object.fromEntries(
    ['client', 'envtest'].map((each) => [
      `envtest-${each}`,
      {
        from: `sigs.k8s.io/controller-runtime/pkg/${each}`,
        flags: '-s -w',
        module: 'modules/envtest',
        test: true,
      },
    ]),
  ),
  'e2e.test': { from: 'k8s.io/kubernetes/test/e2e', flags: stamped, test: true },
};
const names = process.argv.slice(2);
for (const name of names)
  if (!(name in programs)) fail(`no program ${name}: one of ${Object.keys(programs).join(', ')}`);

const go = spawnSync('go', ['version'], { encoding: 'utf8' });
if (go.error)
  fail(
    'Go is not installed, and the real programs are built with it: install Go 1.26 or later (https://go.dev/dl), or put the programs into a folder and name it in KEELSON_CONFORMANCE_BIN',
  );

const bin = join(process.env.KEELSON_CONFORMANCE_BIN ?? join(cacheDir, 'bin'));
mkdirSync(bin, { recursive: true });
for (const name of names.length > 0 ? names : Object.keys(programs)) {
  const { from, flags, test, module = '.' } = programs[name];
  const wanted = createHash('sha256')
    .update(readFileSync(join(here, module, 'go.mod'), 'utf8'))
    .digest('hex');
  const target = join(bin, name);
  const stamp = `${target}.built-from`;
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    console.log(`${name}: ${target} (there already)`);
    continue;
  }
  const started = Date.now();
  const args = test ? ['test', '-c'] : ['build'];
  const { status } = spawnSync('go', [...args, '-trimpath', '-ldflags', flags, '-o', target, from], {
    cwd: join(here, module),
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CGO_ENABLED: '0' },
  });
  if (status !== 0) fail(`${name} could not be built; what Go says is above`);
  writeFileSync(stamp, wanted);
  console.log(`${name}: ${target} (${((Date.now() - started) / 1000).toFixed(0)} s)`);
}

function fail(message) {
  console.error(`conformance/build.mjs: ${message}`);
  process.exit(1);
}
