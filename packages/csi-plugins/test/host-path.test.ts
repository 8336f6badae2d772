import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CsiDriver } from '@keelson/core/csi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bindMounts, createHostPathDriver, linkMounts, serveCsi, VolumeStore } from '../src/index.ts';

const root = process.getuid?.() === 0;
const capability = { mount: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } } as const;

describe.each([
  { name: 'bind mounts', mounts: bindMounts, possible: root },
  { name: 'symbolic links', mounts: linkMounts, possible: true },
])('host-path by $name', ({ mounts, possible }) => {
  let dir: string;
  let driver: CsiDriver;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'keelson-csi-'));
    driver = createHostPathDriver({ store: new VolumeStore(join(dir, 'volumes')), mounts, nodeName: 'n1' });
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const test = possible ? it : it.skip;

  test('keeps what was written, from one publication to the next, every call made twice', async () => {
    const request = { name: 'pvc-1', capacityRange: { requiredBytes: 1 << 20 }, volumeCapabilities: [capability] };
    const { volume } = await driver.controller.createVolume(request);
    expect((await driver.controller.createVolume(request)).volume).toEqual(volume);
    const volumeId = volume?.volumeId;
    for (const [pod, text] of [
      ['a', undefined],
      ['b', 'hello'],
    ] as const) {
      const targetPath = join(dir, pod, 'mount');
      await mkdir(join(dir, pod));
      for (const _ of [1, 2])
        await driver.node.nodePublishVolume({ volumeId, targetPath, volumeCapability: capability });
      if (text === undefined) await writeFile(join(targetPath, 'file'), 'hello');
      else expect(await readFile(join(targetPath, 'file'), 'utf8')).toBe(text);
      for (const _ of [1, 2]) await driver.node.nodeUnpublishVolume({ volumeId, targetPath });
      await expect(lstat(targetPath)).rejects.toThrow('ENOENT');
    }
    for (const _ of [1, 2]) await driver.controller.deleteVolume({ volumeId });
    expect((await driver.controller.listVolumes({})).entries).toEqual([]);
  });

  test('refuses another size, a block volume and an unknown volume with the codes of the specification', async () => {
    await driver.controller.createVolume({
      name: 'x',
      capacityRange: { requiredBytes: 10 },
      volumeCapabilities: [capability],
    });
    await expect(
      driver.controller.createVolume({
        name: 'x',
        capacityRange: { requiredBytes: 20 },
        volumeCapabilities: [capability],
      }),
    ).rejects.toMatchObject({ code: 6 });
    await expect(
      driver.controller.createVolume({ name: 'y', volumeCapabilities: [{ block: {} }] }),
    ).rejects.toMatchObject({ code: 3 });
    await expect(
      driver.node.nodePublishVolume({
        volumeId: '../../etc',
        targetPath: join(dir, 't'),
        volumeCapability: capability,
      }),
    ).rejects.toMatchObject({ code: 5 });
  });
});

/** Kubernetes' judge of CSI drivers, where its path is given. */
const sanity = process.env.KEELSON_CSI_SANITY;
describe.skipIf(!sanity)('csi-sanity (KEELSON_CSI_SANITY)', () => {
  it('passes', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keelson-sanity-'));
    const socket = join(dir, 'csi.sock');
    const close = await serveCsi(
      createHostPathDriver({
        store: new VolumeStore(join(dir, 'v')),
        mounts: root ? bindMounts : linkMounts,
        nodeName: 'n1',
      }),
      socket,
    );
    try {
      const { stdout } = await promisify(execFile)(
        sanity ?? '',
        [`--csi.endpoint=${socket}`, `--csi.mountdir=${join(dir, 'mount')}`, `--csi.stagingdir=${join(dir, 'stage')}`],
        { maxBuffer: 1 << 24 },
      ).catch((error: { stdout?: string; message: string }) => {
        throw new Error((error.stdout ?? error.message).slice(-6000));
      });
      expect(stdout).toMatch(/0 Failed/);
    } finally {
      await close();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
