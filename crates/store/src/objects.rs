//! Content-addressed objects: looked up by what they are, never changed.

use ordain_model::ids::Digest;
use ordain_model::manifest::Manifest;
use ordain_model::report::Capabilities;

use crate::{Store, StoreError};

/// Bytes that devices download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// `Content-Type`, when one is known.
    pub content_type: Option<String>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Store {
    /// The manifest of `token`, if it was ever offered.
    pub async fn manifest(&self, token: Digest) -> Result<Option<Manifest>, StoreError> {
        let rows = self
            .query(
                "SELECT body FROM manifest WHERE token = $1",
                vec![token.to_string().into()],
            )
            .await?;
        rows.first().map(|row| row.json(0)).transpose()
    }

    /// The bytes that a device gets for the declaration of `server_token`.
    pub async fn declaration(&self, server_token: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT body FROM declaration WHERE server_token = $1";
        let rows = self.query(sql, vec![server_token.to_string().into()]).await?;
        rows.first()
            .map(|row| row.bytes(0).map(<[u8]>::to_vec))
            .transpose()
    }

    /// The capabilities of `digest`.
    pub async fn capabilities(&self, digest: Digest) -> Result<Option<Capabilities>, StoreError> {
        let sql = "SELECT body FROM capabilities WHERE digest = $1";
        let rows = self.query(sql, vec![digest.to_string().into()]).await?;
        rows.first().map(|row| row.json(0)).transpose()
    }

    /// The bytes of `digest`.
    pub async fn blob(&self, digest: Digest) -> Result<Option<Blob>, StoreError> {
        let sql = "SELECT content_type, body FROM blob WHERE digest = $1";
        let rows = self.query(sql, vec![digest.to_string().into()]).await?;
        rows.first()
            .map(|row| {
                Ok(Blob {
                    content_type: row.optional_text(0)?.map(str::to_owned),
                    body: row.bytes(1)?.to_vec(),
                })
            })
            .transpose()
    }
}
