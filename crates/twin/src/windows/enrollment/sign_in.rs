//! F1.3: the sign-in page of `Federated`: a browser that follows forms and redirections, and its user.

mod form;

use http::header::{COOKIE, USER_AGENT};
use ordain_windows::secret::Secret;
use url::Url;
use url::form_urlencoded::Serializer;

use self::form::{Form, Input};
use super::{EnrollError, https};
use crate::windows::complaint::Complaint;
use crate::windows::exchange::{About, Request, Response};

/// `appru`: the application to which the last page posts the token.
const APPLICATION: &str = "ms-app://windows.immersivecontrolpanel";
/// The most pages that are followed.
const MAX_PAGES: usize = 12;
/// The longest page that is read, in octets.
const MAX_PAGE: usize = 256 << 10;
/// The longest token that is taken, in octets.
const MAX_TOKEN: usize = 16 << 10;

/// An embedded browser with the user before it.
#[derive(Debug)]
pub(super) struct Browser {
    user: String,
    password: Secret,
    page: Url,
    /// The form to send to the page; `None` gets it.
    form: Option<String>,
    cookies: Vec<(String, String)>,
    pages: usize,
    /// Whether the user has typed what the user knows.
    has_typed: bool,
}

/// What came of a page.
pub(super) enum Page {
    /// There is another one.
    Next,
    /// The token.
    Token(Secret),
}

impl Browser {
    pub(super) fn new(mut page: Url, user: &str, password: &Secret) -> Self {
        page.query_pairs_mut()
            .append_pair("appru", APPLICATION)
            .append_pair("login_hint", user);
        Self {
            user: user.to_owned(),
            password: password.clone(),
            page,
            form: None,
            cookies: Vec::new(),
            pages: 0,
            has_typed: false,
        }
    }

    pub(super) fn request(&self) -> Request {
        let mut request = match &self.form {
            None => Request::get(self.page.clone()),
            Some(form) => Request::post(
                self.page.clone(),
                "application/x-www-form-urlencoded",
                form.clone().into_bytes(),
            ),
        };
        request.headers.push((
            USER_AGENT.as_str(),
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64)".to_owned(),
        ));
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request.headers.push((COOKIE.as_str(), cookies.join("; ")));
        }
        request
    }

    pub(super) fn respond(&mut self, response: &Response) -> Result<Page, EnrollError> {
        self.pages += 1;
        if self.pages > MAX_PAGES {
            return Err(wrong("a sign-in without end"));
        }
        self.keep_cookies(&response.cookies);
        match (response.status, &response.location) {
            (301..=303 | 307 | 308, Some(location)) => {
                self.go(location)?;
                self.form = None;
                Ok(Page::Next)
            }
            (200, _) => {
                response.check(About::SignIn, "text/html")?;
                if response.body.len() > MAX_PAGE {
                    return Err(wrong("a page that is too long"));
                }
                let html =
                    std::str::from_utf8(&response.body).map_err(|_| wrong("a page that is not UTF-8"))?;
                let form = Form::first(html).ok_or(wrong("a page without a form"))?;
                self.fill(form)
            }
            (400..=403, _) if self.has_typed => Err(EnrollError::SignInRefused),
            (status, _) => Err(Complaint::Status {
                about: About::SignIn,
                status,
            }
            .into()),
        }
    }

    fn fill(&mut self, form: Form) -> Result<Page, EnrollError> {
        if form.action.starts_with("ms-app:") {
            if form.action != APPLICATION || !form.is_post {
                return Err(wrong("the last form does not post to appru"));
            }
            let token = form.value("wresult").filter(|token| !token.is_empty());
            let token = token.ok_or(wrong("the last form has no wresult"))?;
            if token.len() > MAX_TOKEN {
                return Err(wrong("wresult is too long"));
            }
            return Ok(Page::Token(Secret::new(token)));
        }
        let types = form.inputs.iter().any(Input::is_typed);
        if types && self.has_typed {
            // The same again: what was typed was not right.
            return Err(EnrollError::SignInRefused);
        }
        self.has_typed |= types;
        let has_password = form.inputs.iter().any(|input| input.kind == "password");
        let mut fields = Serializer::new(String::new());
        for input in form.inputs.iter().filter(|input| !input.name.is_empty()) {
            let value = match input.kind.as_str() {
                "password" => self.password.expose(),
                "email" => &self.user,
                // With a field for the secret the other is for the name. A page that has only one text asks for the
                // secret, since the name is in login_hint.
                "text" if input.value.is_empty() && has_password => &self.user,
                "text" if input.value.is_empty() => self.password.expose(),
                "checkbox" | "radio" | "button" | "reset" | "image" | "file" => continue,
                _ => &input.value,
            };
            fields.append_pair(&input.name, value);
        }
        let fields = fields.finish();
        self.go(&form.action)?;
        if form.is_post {
            self.form = Some(fields);
        } else {
            self.page.set_query(Some(&fields));
            self.form = None;
        }
        Ok(Page::Next)
    }

    /// Goes to another page, named as a page may name it.
    fn go(&mut self, to: &str) -> Result<(), EnrollError> {
        let next = self.page.join(to).ok().and_then(|url| https(url.as_str()));
        let next = next.ok_or(wrong("a page that is not at an https URL"))?;
        if next.origin() != self.page.origin() {
            self.cookies.clear();
        }
        self.page = next;
        Ok(())
    }

    fn keep_cookies(&mut self, set: &[String]) {
        for cookie in set.iter().take(20) {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            let Some((name, value)) = pair else { continue };
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            self.cookies.retain(|(known, _)| *known != name);
            self.cookies.push((name, value));
        }
        self.cookies.truncate(50);
    }
}

fn wrong(what: &'static str) -> EnrollError {
    Complaint::Enrollment {
        about: About::SignIn,
        what,
    }
    .into()
}
