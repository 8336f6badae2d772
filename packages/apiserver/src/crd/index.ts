export { CrdController } from './crd-controller.ts';
export { crdStrategy } from './crd-strategy.ts';
