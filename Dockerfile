# The demo, without an AWS account:
#   docker build -t sfnwatch . && docker run -it --rm sfnwatch
# An execution, with your credentials, and its recording kept:
#   docker run -it --rm -e AWS_REGION -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY \
#     -e AWS_SESSION_TOKEN -v sfnwatch:/home/sfnwatch sfnwatch EXECUTION_ARN
FROM python:3.13-slim
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY sfnwatch sfnwatch
RUN pip install --no-cache-dir . && useradd --create-home sfnwatch
USER sfnwatch
WORKDIR /home/sfnwatch
# A container's terminal says nothing of its colors.
ENV COLORTERM=truecolor TERM=xterm-256color
ENTRYPOINT ["sfnwatch"]
CMD ["demo"]
