export { default, websiteOperator } from '../step-06/operator.ts';
