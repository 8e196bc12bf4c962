import React from 'react';

/** A name that may break where a person would break it: at humps and underscores. */
export function Breakable(props: { text: string }): JSX.Element {
  const pieces = props.text.split(/(?<=_)(?=[^_])|(?<=[a-z0-9])(?=[A-Z])/);
  return (
    <>
      {pieces.map((piece, index) => (
        <React.Fragment key={index}>
          {index > 0 ? <wbr /> : null}
          {piece}
        </React.Fragment>
      ))}
    </>
  );
}
