//! One order: names proved, certificate fetched.

use std::time::Duration;

use common::tls::Challenges;
use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order,
    OrderStatus, RetryPolicy,
};

use crate::failure::Failure;

/// Chain and key, PEM.
pub(crate) struct Issued {
    pub chain: String,
    pub key: String,
}

/// Validation looks from several places, and some authorities have queues.
const POLLING: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(180));

pub(crate) async fn certificate(
    account: &Account,
    domains: &[String],
    challenges: &Challenges,
) -> Result<Issued, Failure> {
    let names: Vec<Identifier> = domains.iter().cloned().map(Identifier::Dns).collect();
    let ordered = account.new_order(&NewOrder::new(&names)).await;
    let mut order = ordered.map_err(|error| Failure::of("the authority takes no order", &error))?;
    prove(&mut order, challenges).await?;
    match order.poll_ready(&POLLING).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) => return Err(refused(&mut order).await),
        // The order's own error says less than those of its names.
        Err(instant_acme::Error::Api(_)) => return Err(refused(&mut order).await),
        Err(error) => return Err(Failure::of("the names could not be proved", &error)),
    }
    let key = order.finalize().await;
    let key = key.map_err(|error| Failure::of("the authority takes no request for a certificate", &error))?;
    let chain = order.poll_certificate(&POLLING).await;
    let chain = chain.map_err(|error| Failure::of("the certificate could not be fetched", &error))?;
    Ok(Issued { chain, key })
}

/// Makes the answers ready, then says so, for each name that is not proved yet.
async fn prove(order: &mut Order, challenges: &Challenges) -> Result<(), Failure> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization =
            authorization.map_err(|error| Failure::of("the authority does not say what it wants", &error))?;
        match authorization.status {
            AuthorizationStatus::Valid => {}
            AuthorizationStatus::Pending => answer(&mut authorization, challenges).await?,
            other => {
                let reason =
                    format!("{}: the authority's authorization is {other:?}", authorization.identifier());
                return Err(Failure::new(reason, "nothing to do but wait for the next try"));
            }
        }
    }
    Ok(())
}

async fn answer<'a>(
    authorization: &'a mut AuthorizationHandle<'a>,
    challenges: &Challenges,
) -> Result<(), Failure> {
    let name = authorization.identifier().to_string();
    let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
        let reason = format!("{name}: the authority does not offer tls-alpn-01 for it");
        return Err(Failure::new(
            reason,
            "name hosts without wildcards in tls.acme_domains, or take another authority",
        ));
    };
    let digest = challenge.key_authorization().digest();
    let digest: &[u8; 32] = digest.as_ref().try_into().map_err(|_| {
        Failure::new("a digest has another length than SHA-256's", "this is a fault of the program")
    })?;
    challenges.put(&name, digest)?;
    challenge.set_ready().await.map_err(|error| Failure::of(&name, &error))
}

/// Why, in the authority's words, for the first name that was refused.
async fn refused(order: &mut Order) -> Failure {
    const REMEDY: &str = "the authority connects to port 443 of each name in tls.acme_domains, so one of imap.tls_listen, pop3.tls_listen and http.listen must have that port, its firewall be open and its DNS point here";
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { continue };
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return Failure::new(format!("{name} could not be proved: {problem}"), REMEDY);
        }
    }
    Failure::new("the names could not be proved", REMEDY)
}
