const jupyterlab = require('@jupyterlab/testutils/lib/jest-config');

module.exports = {
  ...jupyterlab(__dirname),
  reporters: ['default'],
  testRegex: 'src/__tests__/.*\\.spec\\.tsx?$',
  transformIgnorePatterns: [
    // These ship as ES modules alone.
    '/node_modules/(?!@jupyterlab|@jupyter|@codemirror|@lezer|@microsoft|exenv-es6|lib0|marked|nanoid|y-protocols|yjs)'
  ],
  transform: {
    ...jupyterlab(__dirname).transform,
    // Types are checked by `tsc`; here they would cost half a minute.
    '^.+\\.tsx?$': ['ts-jest', { tsconfig: './tsconfig.test.json' }]
  }
};
