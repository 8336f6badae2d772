import { packageConfig } from '../../tsup.base.ts';

export default packageConfig({ operator: 'operator.ts', showcase: 'showcase.ts' });
