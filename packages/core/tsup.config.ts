import { packageConfig } from '../../tsup.base.ts';

export default packageConfig({
  index: 'src/index.ts',
  api: 'src/api/index.ts',
  machinery: 'src/machinery/index.ts',
  certificates: 'src/certificates/index.ts',
  plugin: 'src/plugin/index.ts',
  crd: 'src/crd/index.ts',
  cri: 'src/cri/index.ts',
  'cri-conformance': 'src/cri/conformance.ts',
  cni: 'src/cni/index.ts',
  csi: 'src/csi/index.ts',
  scheduling: 'src/scheduling/index.ts',
  admission: 'src/admission/index.ts',
  streaming: 'src/streaming/index.ts',
  client: 'src/client/index.ts',
  informer: 'src/informer/index.ts',
  workqueue: 'src/workqueue/index.ts',
  controller: 'src/controller/index.ts',
  host: 'src/host/index.ts',
  testing: 'src/testing/index.ts',
  run: 'src/run.ts',
});
